// Reading JSON: the settings of a stage are an object, which local-ci has checked against the schema in `describe`.
#ifndef SDK_JSON_H
#define SDK_JSON_H
#include "plugin.h"

// The value of a key of an object, as JSON; false where it has no such key. A key is letters, digits and dashes.
bool json_find(plugin_string_t object, const char *key, plugin_string_t *value);
// The text that a value is, from malloc; false where it is another kind of value.
bool json_text(plugin_string_t value, plugin_string_t *text);
// The whole number that a value is; false where it is another kind of value, or does not fit.
bool json_whole(plugin_string_t value, int64_t *number);
// Whether a value is `true`.
bool json_true(plugin_string_t value);
#endif
