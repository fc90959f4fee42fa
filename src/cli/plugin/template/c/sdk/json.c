#include "json.h"
#include "stdlib.h"
#include "string.h"

// What is left to be read.
typedef struct {
    const uint8_t *at, *end;
} rest_t;

static void skip_space(rest_t *rest) {
    while (rest->at < rest->end && (*rest->at == ' ' || *rest->at == '\n' || *rest->at == '\r' || *rest->at == '\t')) rest->at++;
}

static bool take(rest_t *rest, uint8_t byte) {
    skip_space(rest);
    if (rest->at == rest->end || *rest->at != byte) return false;
    rest->at++;
    return true;
}

// Passes over a text, from its first quote to behind its last.
static void skip_text(rest_t *rest) {
    for (rest->at++; rest->at < rest->end && *rest->at != '"'; rest->at++) {
        if (*rest->at == '\\' && rest->at + 1 < rest->end) rest->at++;
    }
    if (rest->at < rest->end) rest->at++;
}

// Passes over a value of any kind.
static plugin_string_t skip_value(rest_t *rest) {
    skip_space(rest);
    const uint8_t *from = rest->at;
    size_t depth = 0;
    while (rest->at < rest->end) {
        uint8_t byte = *rest->at;
        if (depth == 0 && (byte == ',' || byte == '}' || byte == ']')) break;
        if (byte == '"') {
            skip_text(rest);
            continue;
        }
        if (byte == '{' || byte == '[') depth++;
        if (byte == '}' || byte == ']') depth--;
        rest->at++;
    }
    const uint8_t *to = rest->at;
    while (to > from && (to[-1] == ' ' || to[-1] == '\n' || to[-1] == '\r' || to[-1] == '\t')) to--;
    return (plugin_string_t){(uint8_t *)from, (size_t)(to - from)};
}

bool json_find(plugin_string_t object, const char *key, plugin_string_t *value) {
    rest_t rest = {object.ptr, object.ptr + object.len};
    size_t length = strlen(key);
    if (!take(&rest, '{')) return false;
    do {
        skip_space(&rest);
        if (rest.at == rest.end || *rest.at != '"') return false;
        const uint8_t *from = rest.at + 1;
        skip_text(&rest);
        size_t len = rest.at > from ? (size_t)(rest.at - from) - 1 : 0;
        if (!take(&rest, ':')) return false;
        *value = skip_value(&rest);
        if (len == length && memcmp(from, key, length) == 0) return true;
    } while (take(&rest, ','));
    return false;
}

// The four hexadecimal digits of `\u`.
static bool take_hex(rest_t *rest, uint32_t *code) {
    if (rest->end - rest->at < 4) return false;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t digit = *rest->at++, letter = digit | 0x20;
        if (digit >= '0' && digit <= '9') *code = *code * 16 + (digit - '0');
        else if (letter >= 'a' && letter <= 'f') *code = *code * 16 + (letter - 'a' + 10u);
        else return false;
    }
    return true;
}

static uint8_t *put(uint8_t *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (uint8_t)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (uint8_t)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (uint8_t)(0xe0 | code >> 12);
        } else {
            *to++ = (uint8_t)(0xf0 | code >> 18);
            *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (uint8_t)(0x80 | (code & 0x3f));
    return to;
}

// What stands behind a backslash, as one character.
static bool take_escape(rest_t *rest, uint32_t *code) {
    static const char names[] = "bfnrt", codes[] = "\b\f\n\r\t";
    uint8_t name = *rest->at++;
    const char *known = memchr(names, name, sizeof names - 1);
    *code = known == NULL ? name : (uint8_t)codes[known - names];
    if (name != 'u') return true;
    if (!take_hex(rest, code)) return false;
    // Two halves are one character, and one half is none.
    if (*code >= 0xd800 && *code < 0xdc00) {
        uint32_t low;
        if (rest->end - rest->at < 6 || rest->at[0] != '\\' || rest->at[1] != 'u') return false;
        rest->at += 2;
        if (!take_hex(rest, &low) || low < 0xdc00 || low > 0xdfff) return false;
        *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
        return true;
    }
    return *code < 0xdc00 || *code > 0xdfff;
}

bool json_text(plugin_string_t value, plugin_string_t *text) {
    if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"') return false;
    rest_t rest = {value.ptr + 1, value.ptr + value.len - 1};
    // No escape is shorter than what it stands for.
    uint8_t *all = malloc(value.len), *to = all;
    if (all == NULL) abort();
    while (rest.at < rest.end) {
        uint8_t byte = *rest.at++;
        uint32_t code;
        if (byte != '\\') {
            *to++ = byte;
        } else if (rest.at < rest.end && take_escape(&rest, &code)) {
            to = put(to, code);
        } else {
            free(all);
            return false;
        }
    }
    *text = (plugin_string_t){all, (size_t)(to - all)};
    return true;
}

bool json_whole(plugin_string_t value, int64_t *number) {
    size_t at = value.len > 0 && value.ptr[0] == '-';
    if (at == value.len) return false;
    int64_t sum = 0;
    for (size_t i = at; i < value.len; i++) {
        int digit = value.ptr[i] - '0';
        if (digit < 0 || digit > 9) return false;
        // Below zero there is one more than above.
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, digit, &sum)) return false;
    }
    *number = sum;
    return at == 1 || !__builtin_sub_overflow((int64_t)0, sum, number);
}

bool json_true(plugin_string_t value) {
    return value.len == 4 && memcmp(value.ptr, "true", 4) == 0;
}
