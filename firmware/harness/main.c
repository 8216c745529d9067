/* Entry point of ports that start in main. */
#include "server.h"

int main(void)
{
    tc_server_run();
    return 0;
}
