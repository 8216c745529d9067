/* FreeRTOS: one task infers, another sends it inputs through a queue and waits for the result. All memory is static.
 *
 * The task that infers has the stack that the library was measured to need, KWS_STACK_SIZE bytes, beside its own; on an
 * ESP32 xTaskCreateStaticPinnedToCore chooses its core, and the kernel saves the registers that MAC16 uses. */
#include <FreeRTOS.h>
#include <kws.h>
#include <queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <task.h>

#ifndef KWS_STACK_SIZE
#define KWS_STACK_SIZE 1024 /* not measured: the board's compiler was not at hand */
#endif
#define WORDS(bytes) ((bytes) / sizeof(StackType_t))
#define INPUTS 3

typedef struct {
    int8_t values[KWS_INPUT_SIZE];
} input_t;

static struct {
    StaticQueue_t inputs, results;
    uint8_t input_room[sizeof(input_t)], result_room[sizeof(int)];
    StaticTask_t infer, feed;
    StackType_t infer_stack[WORDS(KWS_STACK_SIZE) + configMINIMAL_STACK_SIZE];
    StackType_t feed_stack[2 * configMINIMAL_STACK_SIZE];
} memory;

static QueueHandle_t inputs, results;

static void infer(void *unused)
{
    static kws_arena_t arena;
    static input_t received;
    (void)unused;
    for (;;) {
        int8_t output[KWS_OUTPUT_SIZE];
        int best = 0;
        xQueueReceive(inputs, &received, portMAX_DELAY);
        kws_invoke(&arena, received.values, output);
        for (int i = 1; i < KWS_OUTPUT_SIZE; i++) {
            best = output[i] > output[best] ? i : best;
        }
        xQueueSend(results, &best, portMAX_DELAY);
    }
}

static void feed(void *unused)
{
    static input_t input;
    (void)unused;
    for (int n = 0; n < INPUTS; n++) {
        int best;
        for (int i = 0; i < KWS_INPUT_SIZE; i++) {
            input.values[i] = (int8_t)(i * (7 + n)); /* your sensor's values */
        }
        xQueueSend(inputs, &input, portMAX_DELAY);
        xQueueReceive(results, &best, portMAX_DELAY);
        printf("input %d: class %d\n", n, best);
    }
    fflush(stdout);
    exit(0); /* a real program goes on */
}

int main(void)
{
    inputs = xQueueCreateStatic(1, sizeof(input_t), memory.input_room, &memory.inputs);
    results = xQueueCreateStatic(1, sizeof(int), memory.result_room, &memory.results);
    xTaskCreateStatic(infer, "infer", sizeof memory.infer_stack / sizeof(StackType_t), NULL, 1, memory.infer_stack,
                      &memory.infer);
    xTaskCreateStatic(feed, "feed", sizeof memory.feed_stack / sizeof(StackType_t), NULL, 2, memory.feed_stack,
                      &memory.feed);
    vTaskStartScheduler();
    return 1; /* never reached */
}
