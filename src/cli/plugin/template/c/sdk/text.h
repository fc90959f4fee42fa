// Texts, which have a length and no zero at their end.
#ifndef SDK_TEXT_H
#define SDK_TEXT_H
#include "plugin.h"

// A constant as a text, without copying it.
plugin_string_t text(const char *constant);
// A copy from malloc.
plugin_string_t text_copy(plugin_string_t text);
// These parts, one after another, from malloc.
plugin_string_t text_join(const plugin_string_t *parts, size_t count);
// A number in digits, from malloc.
plugin_string_t text_number(uint64_t number);
// Ends the plugin with a reason, a constant, which its user is told.
_Noreturn void panic(const char *reason);
#endif
