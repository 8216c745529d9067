#ifndef IDF_ADDITIONS_H
#define IDF_ADDITIONS_H

#include <freertos/task.h>

uint8_t *pxTaskGetStackStart(TaskHandle_t xTask);

#endif
