/* Two models in one program, C. Each has its own arena. Models that never run at the same time may share memory: see
 * `shared` below. */
#include <kws.h>
#include <stdio.h>
#include <vww.h>

static kws_arena_t kws_arena;
static vww_arena_t vww_arena;

/* The same with one memory for both: an arena holds nothing from one inference to the next. */
static union {
    kws_arena_t kws;
    vww_arena_t vww;
} shared;

static int largest(const int8_t *values, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++) {
        best = values[i] > values[best] ? i : best;
    }
    return best;
}

int main(void)
{
    static int8_t sound[KWS_INPUT_SIZE], image[VWW_INPUT_SIZE];
    int8_t word[KWS_OUTPUT_SIZE], person[VWW_OUTPUT_SIZE];
    for (int i = 0; i < KWS_INPUT_SIZE; i++) {
        sound[i] = (int8_t)(i * 7);
    }
    for (int i = 0; i < VWW_INPUT_SIZE; i++) {
        image[i] = (int8_t)(i * 5);
    }

    kws_invoke(&kws_arena, sound, word);
    vww_invoke(&vww_arena, image, person);
    printf("apart: %d %d\n", largest(word, KWS_OUTPUT_SIZE), largest(person, VWW_OUTPUT_SIZE));

    kws_invoke(&shared.kws, sound, word);
    vww_invoke(&shared.vww, image, person);
    printf("one memory: %d %d, %u bytes instead of %u\n", largest(word, KWS_OUTPUT_SIZE),
           largest(person, VWW_OUTPUT_SIZE), (unsigned)sizeof shared, (unsigned)(sizeof kws_arena + sizeof vww_arena));
    return 0;
}
