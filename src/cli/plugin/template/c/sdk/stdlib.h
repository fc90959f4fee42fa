// What there is of <stdlib.h>. Memory is kept until the call ends that it was taken in, or is freed; a pointer that is not
// from here, such as a constant's, is left alone by `free`.
#ifndef SDK_STDLIB_H
#define SDK_STDLIB_H
#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
_Noreturn void abort(void);
#endif
