#include "text.h"
#include "stdlib.h"
#include "string.h"

plugin_string_t text(const char *constant) {
    return (plugin_string_t){(uint8_t *)constant, strlen(constant)};
}

plugin_string_t text_copy(plugin_string_t text) {
    return text_join(&text, 1);
}

plugin_string_t text_join(const plugin_string_t *parts, size_t count) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) len += parts[i].len;
    plugin_string_t joined = {malloc(len), 0};
    if (joined.ptr == NULL) abort();
    for (size_t i = 0; i < count; i++) {
        memcpy(joined.ptr + joined.len, parts[i].ptr, parts[i].len);
        joined.len += parts[i].len;
    }
    return joined;
}

plugin_string_t text_number(uint64_t number) {
    uint8_t digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return text_copy((plugin_string_t){digits + first, sizeof digits - first});
}

_Noreturn void panic(const char *reason) {
    plugin_string_t said = text(reason);
    output_panicked(&said);
    __builtin_trap();
}
