#ifndef TASK_H
#define TASK_H

#include <stddef.h>
#include <stdint.h>

typedef void *TaskHandle_t;

#endif
