/* Queues of one item, and tasks that begin with the scheduler. */
#include <stdlib.h>
#include <string.h>

#include "queue.h"
#include "task.h"

#define TASKS 8

static StaticTask_t *tasks[TASKS];
static int count;

static void *run(void *task)
{
    ((StaticTask_t *)task)->code(NULL);
    abort(); /* a task must not return */
}

TaskHandle_t xTaskCreateStatic(TaskFunction_t pxTaskCode, const char *pcName, uint32_t uxStackDepth, void *pvParameters,
                               UBaseType_t uxPriority, StackType_t *puxStackBuffer, StaticTask_t *pxTaskBuffer)
{
    if (count == TASKS || pcName == NULL || uxStackDepth < configMINIMAL_STACK_SIZE || pvParameters != NULL ||
        uxPriority == 0 || puxStackBuffer == NULL) {
        abort();
    }
    pxTaskBuffer->code = pxTaskCode;
    tasks[count++] = pxTaskBuffer;
    return pxTaskBuffer;
}

void vTaskStartScheduler(void)
{
    for (int i = 0; i < count; i++) {
        pthread_create(&tasks[i]->thread, NULL, run, tasks[i]);
    }
    pthread_join(tasks[0]->thread, NULL);
}

QueueHandle_t xQueueCreateStatic(UBaseType_t uxQueueLength, UBaseType_t uxItemSize, uint8_t *pucQueueStorage,
                                 StaticQueue_t *pxQueueBuffer)
{
    if (uxQueueLength != 1) {
        abort();
    }
    pthread_mutex_init(&pxQueueBuffer->lock, NULL);
    pthread_cond_init(&pxQueueBuffer->changed, NULL);
    pxQueueBuffer->room = pucQueueStorage;
    pxQueueBuffer->size = uxItemSize;
    pxQueueBuffer->full = 0;
    return pxQueueBuffer;
}

static BaseType_t copied(QueueHandle_t queue, void *to, const void *from, int full)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->full != full) {
        pthread_cond_wait(&queue->changed, &queue->lock);
    }
    memcpy(to, from, queue->size);
    queue->full = !full;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return pdTRUE;
}

BaseType_t xQueueSend(QueueHandle_t xQueue, const void *pvItemToQueue, TickType_t xTicksToWait)
{
    (void)xTicksToWait;
    return copied(xQueue, xQueue->room, pvItemToQueue, 0);
}

BaseType_t xQueueReceive(QueueHandle_t xQueue, void *pvBuffer, TickType_t xTicksToWait)
{
    (void)xTicksToWait;
    return copied(xQueue, pvBuffer, xQueue->room, 1);
}
