/* The serial server. */
#ifndef TC_SERVER_H
#define TC_SERVER_H

#ifdef __cplusplus
extern "C" {
#endif

/* Sets up the port, announces itself, serves commands. Returns only where a line can be closed for good (a host's). */
void tc_server_run(void);

#ifdef __cplusplus
}
#endif

#endif
