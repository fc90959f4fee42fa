// What there is of <string.h>.
#ifndef SDK_STRING_H
#define SDK_STRING_H
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *in, int byte, size_t size);
// Where a text of bytes begins in another; null where it does not.
void *memmem(const void *in, size_t size, const void *what, size_t length);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
#endif
