/* Just enough of the kernel for examples/freertos.c, with threads for tasks: kernel.c. Where FreeRTOS itself is at hand,
 * the tests take that. */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef long BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t TickType_t;
typedef unsigned long StackType_t;
typedef void (*TaskFunction_t)(void *);

typedef struct {
    pthread_t thread;
    TaskFunction_t code;
} StaticTask_t;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint8_t *room;
    size_t size;
    int full;
} StaticQueue_t;

typedef StaticTask_t *TaskHandle_t;
typedef StaticQueue_t *QueueHandle_t;

#define portMAX_DELAY ((TickType_t)0xffffffffU)
#define pdTRUE 1
#define configMINIMAL_STACK_SIZE 128

#endif
