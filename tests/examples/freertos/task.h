#ifndef TASK_H
#define TASK_H

#include "FreeRTOS.h"

TaskHandle_t xTaskCreateStatic(TaskFunction_t pxTaskCode, const char *pcName, uint32_t uxStackDepth, void *pvParameters,
                               UBaseType_t uxPriority, StackType_t *puxStackBuffer, StaticTask_t *pxTaskBuffer);
void vTaskStartScheduler(void);

#endif
