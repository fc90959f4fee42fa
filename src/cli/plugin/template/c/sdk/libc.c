// What compilers and plugin.c need of a C library.
#include "stdlib.h"
#include "string.h"
#include "text.h"

#include <stdint.h>

#define PAGE 65536u
// Before each block stands what it is, and blocks begin where anything may.
#define HEADER 16u
// Blocks have sizes of 2^4 to 2^30.
#define SMALLEST 4u
#define LARGEST 30u

// The linker's: where data and stack end.
extern unsigned char __heap_base;

typedef struct block {
    uint32_t size_class;
    struct block *next;
} block_t;

static block_t *spare[LARGEST + 1];
static uintptr_t top, end;

// Memory that was never used before; null where there is no more.
static block_t *fresh(size_t size) {
    if (top == 0) {
        top = ((uintptr_t)&__heap_base + HEADER - 1) / HEADER * HEADER;
        end = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
        if (end < top) end = top;
    }
    if (size > end - top) {
        size_t pages = (size - (end - top) + PAGE - 1) / PAGE;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return NULL;
        end += pages * PAGE;
    }
    block_t *block = (block_t *)top;
    top += size;
    return block;
}

void *malloc(size_t size) {
    uint32_t size_class = SMALLEST;
    while (size_class <= LARGEST && ((size_t)1 << size_class) < size) size_class++;
    if (size_class > LARGEST) return NULL;
    block_t *block = spare[size_class];
    if (block != NULL) {
        spare[size_class] = block->next;
    } else {
        block = fresh(HEADER + ((size_t)1 << size_class));
        if (block == NULL) return NULL;
        block->size_class = size_class;
    }
    return (unsigned char *)block + HEADER;
}

void *calloc(size_t count, size_t size) {
    size_t all;
    if (__builtin_mul_overflow(count, size, &all)) return NULL;
    void *block = malloc(all);
    return block == NULL ? NULL : memset(block, 0, all);
}

void free(void *memory) {
    // Data and constants are below.
    if (memory < (void *)&__heap_base) return;
    block_t *block = (block_t *)((unsigned char *)memory - HEADER);
    block->next = spare[block->size_class];
    spare[block->size_class] = block;
}

void *realloc(void *memory, size_t size) {
    if (memory < (void *)&__heap_base) return malloc(size);
    size_t had = (size_t)1 << ((block_t *)((unsigned char *)memory - HEADER))->size_class;
    if (size <= had) return memory;
    void *larger = malloc(size);
    if (larger == NULL) return NULL;
    memcpy(larger, memory, had);
    free(memory);
    return larger;
}

_Noreturn void abort(void) {
    panic("no memory is left, or abort was called");
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    return memmove(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
    unsigned char *a = to;
    const unsigned char *b = from;
    if (a <= b) {
        for (size_t i = 0; i < size; i++) a[i] = b[i];
    } else {
        for (size_t i = size; i > 0; i--) a[i - 1] = b[i - 1];
    }
    return to;
}

void *memset(void *to, int byte, size_t size) {
    unsigned char *a = to;
    for (size_t i = 0; i < size; i++) a[i] = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size; i++) {
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}

void *memchr(const void *in, int byte, size_t size) {
    const unsigned char *at = in;
    for (; size > 0; at++, size--) {
        if (*at == (unsigned char)byte) return (void *)at;
    }
    return NULL;
}

void *memmem(const void *in, size_t size, const void *what, size_t length) {
    if (length == 0) return (void *)in;
    const unsigned char *at = in, *after = at + size;
    while (length <= (size_t)(after - at)) {
        at = memchr(at, *(const unsigned char *)what, (size_t)(after - at) - length + 1);
        if (at == NULL) return NULL;
        if (memcmp(at, what, length) == 0) return (void *)at;
        at++;
    }
    return NULL;
}

size_t strlen(const char *text) {
    size_t length = 0;
    while (text[length] != 0) length++;
    return length;
}

int strcmp(const char *a, const char *b) {
    while (*a != 0 && *a == *b) a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}
