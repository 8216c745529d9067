/* The serial server. */
#ifndef TC_SERVER_H
#define TC_SERVER_H

#ifdef __cplusplus
extern "C" {
#endif

/* Sets up the port, sends the boot lines, serves commands. Returns only if the line is closed for good (on a host). */
void tc_server_run(void);

#ifdef __cplusplus
}
#endif

#endif
