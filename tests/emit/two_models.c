/* Two libraries in one program. Samples of both come on stdin in turn; both outputs go to stdout.
 *
 * argv[1]: "apart": each model has one arena, and the caller's own buffers. "inside": input and output lie in the
 * arena. "interleaved": each model has two arenas, used in turn, and an arena of which every byte was something else
 * before. "threads": both models run in threads of their own, many times, and always give the same. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "first.h"
#include "second.h"

#define RUNS 200

static first_arena_t first_arenas[2];
static second_arena_t second_arenas[2];
static int8_t first_in[FIRST_INPUT_SIZE], first_out[FIRST_OUTPUT_SIZE];
static int8_t second_in[SECOND_INPUT_SIZE], second_out[SECOND_OUTPUT_SIZE];

static void run_apart(void)
{
    first_invoke(&first_arenas[0], first_in, first_out);
    second_invoke(&second_arenas[0], second_in, second_out);
}

static void run_inside(void)
{
    memcpy(first_input(&first_arenas[0]), first_in, sizeof first_in);
    memcpy(second_input(&second_arenas[0]), second_in, sizeof second_in);
    first_invoke(&first_arenas[0], first_input(&first_arenas[0]), first_output(&first_arenas[0]));
    second_invoke(&second_arenas[0], second_input(&second_arenas[0]), second_output(&second_arenas[0]));
    memcpy(first_out, first_output(&first_arenas[0]), sizeof first_out);
    memcpy(second_out, second_output(&second_arenas[0]), sizeof second_out);
}

/* Each arena's bytes are those of other inferences, and then nonsense. */
static void run_interleaved(void)
{
    int8_t other_out[FIRST_OUTPUT_SIZE];
    static int8_t other_in[FIRST_INPUT_SIZE];
    memset(&first_arenas[0], 0x5a, sizeof first_arenas[0]);
    memset(&second_arenas[1], 0xa5, sizeof second_arenas[1]);
    first_invoke(&first_arenas[1], other_in, other_out);
    first_invoke(&first_arenas[0], first_in, first_out);
    second_invoke(&second_arenas[0], second_in, second_out);
    memcpy(other_in, first_in, sizeof other_in);
    first_invoke(&first_arenas[1], other_in, other_out);
    second_invoke(&second_arenas[1], second_in, second_out);
    if (memcmp(first_out, other_out, sizeof other_out) != 0) {
        fputs("two arenas, two outputs\n", stderr);
    }
}

static void *repeat_first(void *arena)
{
    int8_t out[FIRST_OUTPUT_SIZE];
    for (int run = 0; run < RUNS; run++) {
        first_invoke((first_arena_t *)arena, first_in, out);
        if (memcmp(out, first_out, sizeof out) != 0) {
            fputs("a thread's output differs\n", stderr);
        }
    }
    return NULL;
}

static void *repeat_second(void *arena)
{
    int8_t out[SECOND_OUTPUT_SIZE];
    for (int run = 0; run < RUNS / 10; run++) {
        second_invoke((second_arena_t *)arena, second_in, out);
        if (memcmp(out, second_out, sizeof out) != 0) {
            fputs("a thread's output differs\n", stderr);
        }
    }
    return NULL;
}

static void run_threads(void)
{
    pthread_t threads[4];
    run_apart();
    pthread_create(&threads[0], NULL, repeat_first, &first_arenas[0]);
    pthread_create(&threads[1], NULL, repeat_first, &first_arenas[1]);
    pthread_create(&threads[2], NULL, repeat_second, &second_arenas[0]);
    pthread_create(&threads[3], NULL, repeat_second, &second_arenas[1]);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int count, char **arguments)
{
    const char *const mode = count > 1 ? arguments[1] : "apart";
    while (fread(first_in, sizeof first_in, 1, stdin) == 1 && fread(second_in, sizeof second_in, 1, stdin) == 1) {
        if (strcmp(mode, "inside") == 0) {
            run_inside();
        } else if (strcmp(mode, "interleaved") == 0) {
            run_interleaved();
        } else if (strcmp(mode, "threads") == 0) {
            run_threads();
        } else {
            run_apart();
        }
        fwrite(first_out, sizeof first_out, 1, stdout);
        fwrite(second_out, sizeof second_out, 1, stdout);
    }
    return 0;
}
