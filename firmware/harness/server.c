/* Start-up and the command loop. */
#include "server.h"

#include "port.h"
#include "protocol.h"
#include "text.h"

void tc_server_run(void)
{
    tc_port_init();
    tc_put_text(TC_TEXT("m-timestamp-mode-performance\r\n"));
    tc_put_timestamp();
    tc_put_text(TC_TEXT("m-init-done\r\n"));
    tc_put_ready();
    for (int byte = tc_port_read(); byte >= 0; byte = tc_port_read()) {
        tc_protocol_receive((uint8_t)byte);
    }
}
