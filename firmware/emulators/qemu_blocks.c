/* A plugin of QEMU that counts how often each block of instructions runs between two calls of one function.
 *
 * -plugin FILE.so,marker=ADDRESS,flash=FIRST-END,line=BYTES,code_lines=N,data_lines=N,prefetch=0|1,out=FILE
 *
 * The function at `marker` reads a clock. It is called twice in a row, to measure its own cost, and again after the
 * code to measure. When QEMU exits, the file has the counts between the last two calls, less those between the two
 * calls before (all calls but the last three are ignored):
 *
 * block START LENGTH COUNT LEFT   the LENGTH instructions from START on ran COUNT times, and were LEFT times followed
 *                                   by a jump
 * fetches N                       flash reads for instructions that neither a line nor the prefetch buffer held
 * constants N                     the same for data
 *
 * Lines are those of a flash accelerator: N lines of `line` bytes each, replaced least recently used first. The
 * prefetch loads the line after the current one.
 *
 * The part of QEMU's plugin interface in use is declared here (docs/devel/tcg-plugins of QEMU), because distributions
 * don't ship its header. Tested with QEMU 7.2. One processor only. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define LINES_MAX 1024U
#define NO_REGISTERS 0
#define READS_AND_WRITES 3 /* QEMU 7.2 mistakes "reads" for writes: subscribes to both, and ignores writes here */

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id_t;
typedef void (*on_tb_t)(plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*on_run_t)(unsigned processor, void *data);
typedef void (*on_access_t)(unsigned processor, uint32_t info, uint64_t address, void *data);
typedef void (*on_exit_t)(plugin_id_t id, void *data);

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id_t id, on_tb_t call);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, on_run_t call, int flags, void *data);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, on_access_t call, int flags, int kind,
                                             void *data);
extern void qemu_plugin_register_atexit_cb(plugin_id_t id, on_exit_t call, void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
extern bool qemu_plugin_mem_is_store(uint32_t info);
extern int qemu_plugin_num_vcpus(void) __attribute__((weak)); /* only since version 2 of the interface */

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id_t id, const void *info, int count, char **arguments);

/* [0] since the last call of the marker, [1] between the last two calls, [2] between the two calls before. */
typedef struct {
    uint64_t since[3];
} counter_t;

typedef struct block {
    struct block *next;
    uint64_t start;
    uint64_t end; /* QEMU 7.2 includes what it has read ahead, across pages, if no branch ends a block */
    uint64_t length;
    counter_t runs;
    counter_t left;
} block_t;

typedef struct {
    uint64_t kept[LINES_MAX]; /* most recently used first */
    unsigned used;
    unsigned lines;
    uint64_t last;
    bool prefetches;
    counter_t misses;
} cache_t;

static struct {
    uint64_t marker;
    uint64_t first;
    uint64_t end;
    uint64_t line;
    const char *out;
} settings;

static block_t *blocks;
static block_t *previous;
static cache_t code;
static cache_t data;

static void touch(cache_t *cache, uint64_t line)
{
    const bool next = cache->prefetches && line == cache->last + 1U;
    unsigned at = 0;
    cache->last = line;
    while (at < cache->used && cache->kept[at] != line) {
        at++;
    }
    if (at == cache->used) {
        cache->misses.since[0] += next ? 0U : 1U;
        if (cache->used < cache->lines) {
            cache->used++;
        } else {
            at--;
        }
    }
    memmove(&cache->kept[1], &cache->kept[0], at * sizeof cache->kept[0]);
    cache->kept[0] = line;
}

static bool in_flash(uint64_t address)
{
    return address >= settings.first && address < settings.end;
}

static void on_access(unsigned processor, uint32_t info, uint64_t address, void *unused)
{
    (void)processor;
    (void)unused;
    if (in_flash(address) && !qemu_plugin_mem_is_store(info)) {
        touch(&data, address / settings.line);
    }
}

static void shift(counter_t *counter)
{
    counter->since[2] = counter->since[1];
    counter->since[1] = counter->since[0];
    counter->since[0] = 0;
}

static void on_marker(void)
{
    for (block_t *block = blocks; block != NULL; block = block->next) {
        shift(&block->runs);
        shift(&block->left);
    }
    shift(&code.misses);
    shift(&data.misses);
}

static void on_run(unsigned processor, void *pointer)
{
    block_t *const block = pointer;
    (void)processor;
    if (previous != NULL && previous->end != block->start) {
        previous->left.since[0]++;
    }
    if (block->start == settings.marker) {
        on_marker();
    }
    block->runs.since[0]++;
    previous = block;
    for (uint64_t line = block->start / settings.line; line <= (block->end - 1U) / settings.line; line++) {
        if (in_flash(line * settings.line)) {
            touch(&code, line);
        }
    }
}

static void on_translation(plugin_id_t id, struct qemu_plugin_tb *tb)
{
    const size_t count = qemu_plugin_tb_n_insns(tb);
    block_t *const block = calloc(1, sizeof *block);
    (void)id;
    if (block == NULL) {
        abort();
    }
    block->start = qemu_plugin_tb_vaddr(tb);
    block->length = count;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *const insn = qemu_plugin_tb_get_insn(tb, i);
        block->end = qemu_plugin_insn_vaddr(insn) + qemu_plugin_insn_size(insn);
        qemu_plugin_register_vcpu_mem_cb(insn, on_access, NO_REGISTERS, READS_AND_WRITES, NULL);
    }
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_run, NO_REGISTERS, block);
}

static int64_t more(const counter_t *counter)
{
    return (int64_t)counter->since[1] - (int64_t)counter->since[2];
}

static void on_exit_write(plugin_id_t id, void *unused)
{
    FILE *const file = fopen(settings.out, "w");
    (void)id;
    (void)unused;
    if (file == NULL) {
        perror(settings.out);
        return;
    }
    for (const block_t *block = blocks; block != NULL; block = block->next) {
        if (more(&block->runs) != 0 || more(&block->left) != 0) {
            (void)fprintf(file, "block %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 "\n", block->start, block->length,
                          more(&block->runs), more(&block->left));
        }
    }
    (void)fprintf(file, "fetches %" PRId64 "\nconstants %" PRId64 "\n", more(&code.misses), more(&data.misses));
    (void)fclose(file);
}

static bool setting(const char *text)
{
    char key[16];
    const char *const value = strchr(text, '=');
    if (value == NULL || (size_t)(value - text) >= sizeof key) {
        return false;
    }
    memcpy(key, text, (size_t)(value - text));
    key[value - text] = '\0';
    char *rest = NULL;
    const uint64_t number = strtoull(value + 1, &rest, 0);
    if (strcmp(key, "marker") == 0) {
        settings.marker = number;
    } else if (strcmp(key, "flash") == 0) {
        settings.first = number;
        settings.end = *rest == '-' ? strtoull(rest + 1, &rest, 0) : 0U;
    } else if (strcmp(key, "line") == 0) {
        settings.line = number;
    } else if (strcmp(key, "code_lines") == 0 && number <= LINES_MAX) {
        code.lines = (unsigned)number;
    } else if (strcmp(key, "data_lines") == 0 && number <= LINES_MAX) {
        data.lines = (unsigned)number;
    } else if (strcmp(key, "prefetch") == 0) {
        code.prefetches = number != 0U;
    } else if (strcmp(key, "out") == 0) {
        settings.out = strdup(value + 1);
    } else {
        return false;
    }
    return true;
}

int qemu_plugin_install(plugin_id_t id, const void *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        if (!setting(arguments[i])) {
            (void)fprintf(stderr, "qemu_blocks: bad argument: %s\n", arguments[i]);
            return -1;
        }
    }
    if (settings.out == NULL || settings.line == 0U || code.lines == 0U || data.lines == 0U) {
        (void)fprintf(stderr, "qemu_blocks: marker, line, code_lines, data_lines and out are needed\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_write, NULL);
    return 0;
}

/* Runs before QEMU checks which version of its interface this plugin uses; the parts in use are the same in both. */
static void __attribute__((constructor)) adapt(void)
{
    qemu_plugin_version = qemu_plugin_num_vcpus != NULL ? 2 : 1;
}
