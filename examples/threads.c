/* Tasks on several cores: POSIX threads here, tasks pinned to the two cores of an ESP32 likewise. A library has no
 * variables but its constants, so any number of tasks run inferences at the same time if each has its own arena. */
#include <kws.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TASKS 4
#define RUNS 50

typedef struct {
    kws_arena_t arena;
    int8_t input[KWS_INPUT_SIZE];
    int8_t expected[KWS_OUTPUT_SIZE];
    int wrong;
} task_t;

static task_t tasks[TASKS];

static void *run(void *argument)
{
    task_t *const task = (task_t *)argument;
    for (int i = 0; i < RUNS; i++) {
        int8_t output[KWS_OUTPUT_SIZE];
        kws_invoke(&task->arena, task->input, output);
        task->wrong += memcmp(output, task->expected, sizeof output) != 0;
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[TASKS];
    int wrong = 0;
    for (int t = 0; t < TASKS; t++) {
        for (int i = 0; i < KWS_INPUT_SIZE; i++) {
            tasks[t].input[i] = (int8_t)(i * (t + 3));
        }
        kws_invoke(&tasks[t].arena, tasks[t].input, tasks[t].expected);
    }
    for (int t = 0; t < TASKS; t++) {
        if (pthread_create(&threads[t], NULL, run, &tasks[t]) != 0) {
            return 1;
        }
    }
    for (int t = 0; t < TASKS; t++) {
        pthread_join(threads[t], NULL);
        wrong += tasks[t].wrong;
    }
    printf("%d inferences in %d threads, %d wrong\n", TASKS * RUNS, TASKS, wrong);
    return wrong != 0;
}
