/* Reads rows of numbers from a JSON body, {"rows": [{"a": 1.5, …}, …]} or one object of features, and one row
   from the query of a URL, a=1.5&b=….

   A text is read only if every row has every feature exactly once and nothing else, and each value is a finite
   number. For any other text the functions return GIVE_UP. The parser in service/protocols/payload.py then
   reads the text again, and says what is wrong with it. So no text may be read here that the parser refuses. */

#include "native.h"

extern double strtod(const char *text, char **end);

typedef struct {
    const char *at;
    const char *end;
} Text;

static inline void skip_space(Text *text) {
    while (text->at < text->end &&
           (*text->at == ' ' || *text->at == '\n' || *text->at == '\r' || *text->at == '\t')) {
        text->at++;
    }
}

static inline int take(Text *text, char expected) {
    skip_space(text);
    if (text->at < text->end && *text->at == expected) {
        text->at++;
        return 1;
    }
    return 0;
}

static inline int is_digit(const Text *text) {
    return text->at < text->end && *text->at >= '0' && *text->at <= '9';
}

static const uint64_t POWERS[20] = {1ull,
                                    10ull,
                                    100ull,
                                    1000ull,
                                    10000ull,
                                    100000ull,
                                    1000000ull,
                                    10000000ull,
                                    100000000ull,
                                    1000000000ull,
                                    10000000000ull,
                                    100000000000ull,
                                    1000000000000ull,
                                    10000000000000ull,
                                    100000000000000ull,
                                    1000000000000000ull,
                                    10000000000000000ull,
                                    100000000000000000ull,
                                    1000000000000000000ull,
                                    10000000000000000000ull};

/* The double nearest to digits / 10^places, ties to even; places is at most 19.

   The quotient has 63 or 64 bits, and the remainder says if it is exact. Together they are enough to round to
   53 bits as the exact value would be rounded. */
static inline double divided(uint64_t digits, int places) {
    if (digits == 0) {
        return 0.0;
    }
    if (digits <= 1ull << 53 && places <= 22) {
        /* Both numbers are exact as doubles, so their quotient is rounded only once. */
        return (double)digits / (double)POWERS[places];
    }
    const uint64_t power = POWERS[places];
    const int digits_shift = __builtin_clzll(digits);
    const int power_shift = __builtin_clzll(power);
    /* Shifted, both numbers fill 64 bits. Half the first divided by the second is below one. */
    const uint64_t high = (digits << digits_shift) >> 1;
    const unsigned __int128 dividend = ((unsigned __int128)high << 64) |
                                       ((unsigned __int128)((digits << digits_shift) & 1) << 63);
    const uint64_t divisor = power << power_shift;
    uint64_t quotient, remainder;
#if defined(__x86_64__)
    __asm__("divq %4"
            : "=a"(quotient), "=d"(remainder)
            : "a"((uint64_t)dividend), "d"(high), "r"(divisor)
            : "cc");
#else
    quotient = (uint64_t)(dividend / divisor);
    remainder = (uint64_t)(dividend % divisor);
#endif
    /* digits / 10^places = quotient * 2^exponent, or a little more if there is a remainder. */
    const int exponent = power_shift - digits_shift - 63;
    const int drop = 64 - __builtin_clzll(quotient) - 53;
    uint64_t kept = quotient >> drop;
    const uint64_t half = 1ull << (drop - 1);
    const uint64_t dropped = quotient & ((1ull << drop) - 1);
    if (dropped > half || (dropped == half && (remainder != 0 || (kept & 1)))) {
        kept++;
    }
    /* The scale is a power of two from 2^-127 to 2^63. So the scale and the product are exact. */
    const union {
        uint64_t bits;
        double value;
    } scale = {(uint64_t)(exponent + drop + 1023) << 52};
    return (double)kept * scale.value;
}

/* Read digits, eight at a time while there are eight, and append them to `digits`. Returns how many digits there
   were. */
static inline int64_t read_digits(Text *text, uint64_t *digits) {
    const char *start = text->at;
    while (text->end - text->at >= 8) {
        uint64_t eight;
        __builtin_memcpy(&eight, text->at, 8);
        /* Subtract '0' from each byte, and test whether a byte is then above 9. */
        const uint64_t values = eight - 0x3030303030303030ull;
        if (((values + 0x7676767676767676ull) | eight | values) & 0x8080808080808080ull) {
            break;
        }
        /* Join neighbours three times: into numbers of two digits, of four digits, and of eight digits. */
        const uint64_t pairs = (values * 10) + (values >> 8);
        const uint64_t fours = (pairs & 0x000000ff000000ffull) * (100 + (1000000ull << 32));
        const uint64_t rest = ((pairs >> 16) & 0x000000ff000000ffull) * (1 + (10000ull << 32));
        *digits = *digits * 100000000ull + (uint32_t)((fours + rest) >> 32);
        text->at += 8;
    }
    for (; is_digit(text); text->at++) {
        *digits = *digits * 10 + (uint64_t)(*text->at - '0');
    }
    return text->at - start;
}

/* Read a number as the grammar of JSON has it. Returns 0 if there is none. */
static inline int read_number(Text *text, double *number) {
    skip_space(text);
    const char *start = text->at;
    uint64_t digits = 0;
    int64_t count = 0, places = 0;
    int is_negative = 0, is_simple = 1;
    if (text->at < text->end && *text->at == '-') {
        is_negative = 1;
        text->at++;
    }
    if (!is_digit(text)) {
        return 0;
    }
    if (*text->at == '0') {
        text->at++;
        if (is_digit(text)) {
            return 0;
        }
    }
    count = read_digits(text, &digits);
    if (text->at < text->end && *text->at == '.') {
        text->at++;
        if (!is_digit(text)) {
            return 0;
        }
        const char *first = text->at;
        while (digits == 0 && text->at < text->end && *text->at == '0') {
            text->at++;
        }
        count += read_digits(text, &digits);
        places = text->at - first;
    }
    if (text->at < text->end && (*text->at == 'e' || *text->at == 'E')) {
        is_simple = 0;
        text->at++;
        if (text->at < text->end && (*text->at == '+' || *text->at == '-')) {
            text->at++;
        }
        if (!is_digit(text)) {
            return 0;
        }
        while (is_digit(text)) {
            text->at++;
        }
    }
    if (is_simple && count <= 19 && places <= 19) {
        const double value = divided(digits, (int)places);
        *number = is_negative ? -value : value;
        return 1;
    }
    /* strtod stops where the number ends: at a quote or a bracket, or at the zero byte behind the text. */
    char *end;
    *number = strtod(start, &end);
    return end == text->at && *number >= -LARGEST && *number <= LARGEST;
}

static inline int is_name(const Columns *columns, int64_t feature, const char *start, int64_t length) {
    const int32_t from = feature ? columns->ends[feature - 1] : 0;
    if (columns->ends[feature] - from != length) {
        return 0;
    }
    const char *name = columns->names + from;
    for (int64_t at = 0; at < length; at++) {
        if (name[at] != start[at]) {
            return 0;
        }
    }
    return 1;
}

/* Returns the position of the feature with a name, or GIVE_UP. `likely` is tried first. */
static inline int64_t find_name(const Columns *columns, int64_t likely, const char *start, int64_t length) {
    if (is_name(columns, likely, start, length)) {
        return likely;
    }
    for (int64_t feature = 0; feature < columns->features; feature++) {
        if (is_name(columns, feature, start, length)) {
            return feature;
        }
    }
    return GIVE_UP;
}

/* Read a name and its colon. Returns the position of the feature, or GIVE_UP. */
static inline int64_t read_name(Text *text, const Columns *columns, int64_t likely) {
    if (!take(text, '"')) {
        return GIVE_UP;
    }
    const char *start = text->at;
    while (text->at < text->end && *text->at != '"') {
        if (*text->at == '\\') {
            return GIVE_UP;
        }
        text->at++;
    }
    const int64_t length = text->at - start;
    if (!take(text, '"') || !take(text, ':')) {
        return GIVE_UP;
    }
    return find_name(columns, likely, start, length);
}

/* Read an object of features, after its opening brace, into `row`. Returns 0 if it is not a complete row. */
static int read_row(Text *text, const Columns *columns, double *row) {
    uint64_t seen[FEATURES_MAX / 64] = {0};
    for (int64_t count = 0; count < columns->features; count++) {
        if (count && !take(text, ',')) {
            return 0;
        }
        const int64_t feature = read_name(text, columns, count);
        if (feature == GIVE_UP || (seen[feature >> 6] >> (feature & 63)) & 1) {
            return 0;
        }
        seen[feature >> 6] |= 1ull << (feature & 63);
        if (!read_number(text, row + feature)) {
            return 0;
        }
    }
    return take(text, '}');
}

static inline int is_rows(const Text *text) {
    static const char expected[] = "\"rows\"";
    if (text->end - text->at < 6) {
        return 0;
    }
    for (int at = 0; at < 6; at++) {
        if (text->at[at] != expected[at]) {
            return 0;
        }
    }
    return 1;
}

/* Read a JSON body into `rows`, which has space for `most` rows. Returns how many rows there were, or GIVE_UP.

   A zero byte must follow the text, as in the `bytes` of Python. */
int64_t read_rows(const Columns *columns, const char *start, int64_t length, double *rows, int64_t most) {
    Text text = {start, start + length};
    int64_t count = 0;
    if (columns->features < 1 || columns->features > FEATURES_MAX || most < 1 || !take(&text, '{')) {
        return GIVE_UP;
    }
    skip_space(&text);
    const Text inside = text;
    if (is_rows(&text)) {
        text.at += 6;
        if (take(&text, ':') && take(&text, '[')) {
            do {
                if (count == most || !take(&text, '{') ||
                    !read_row(&text, columns, rows + count * columns->features)) {
                    return GIVE_UP;
                }
                count++;
            } while (take(&text, ','));
            if (!take(&text, ']') || !take(&text, '}')) {
                return GIVE_UP;
            }
            skip_space(&text);
            return text.at == text.end ? count : GIVE_UP;
        }
        text = inside;
    }
    if (!read_row(&text, columns, rows)) {
        return GIVE_UP;
    }
    skip_space(&text);
    return text.at == text.end ? 1 : GIVE_UP;
}

/* Read a query into `row`: every feature once, as a number, and nothing else. Returns 1, or GIVE_UP.

   A zero byte must follow the text. Nothing is decoded here: a name with an escape, such as %C3%A4, is not
   found. */
int64_t read_query(const Columns *columns, const char *start, int64_t length, double *row) {
    Text text = {start, start + length};
    uint64_t seen[FEATURES_MAX / 64] = {0};
    if (columns->features < 1 || columns->features > FEATURES_MAX) {
        return GIVE_UP;
    }
    for (int64_t count = 0; count < columns->features; count++) {
        if (count && (text.at == text.end || *text.at++ != '&')) {
            return GIVE_UP;
        }
        const char *name = text.at;
        while (text.at < text.end && *text.at != '=') {
            text.at++;
        }
        const int64_t feature = find_name(columns, count, name, text.at - name);
        if (feature == GIVE_UP || (seen[feature >> 6] >> (feature & 63)) & 1) {
            return GIVE_UP;
        }
        seen[feature >> 6] |= 1ull << (feature & 63);
        /* The number must follow the equals sign at once: read_number would skip spaces, as JSON allows them. */
        if (text.at == text.end || (!is_digit(&(Text){text.at + 1, text.end}) &&
                                    (text.at + 1 >= text.end || text.at[1] != '-'))) {
            return GIVE_UP;
        }
        const char *value = ++text.at;
        if (!read_number(&text, row + feature)) {
            return GIVE_UP;
        }
        /* A plus stands for a space in a query, so 1e+5 is not a number here. */
        for (; value < text.at; value++) {
            if (*value == '+') {
                return GIVE_UP;
            }
        }
    }
    return text.at == text.end ? 1 : GIVE_UP;
}
