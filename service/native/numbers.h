/* Numbers in the text of a request, read as the grammar of JSON has them.

   Every number is the double nearest to what is written, ties to even, as in Python. No function reads behind
   the end of the text, but for the zero byte that must follow it. */

#ifndef INFER_NUMBERS_H
#define INFER_NUMBERS_H

#include "native.h"

extern double strtod(const char *text, char **end);

typedef struct {
    const char *at;
    const char *end;
} Text;

typedef union {
    uint64_t bits;
    double value;
} Bits;

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
    if (digits < POWERS[15]) {
        /* Both numbers are exact as doubles, so their quotient is rounded only once. This holds up to 2^53, but
           numbers of 16 and of 17 digits come mixed. */
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
    kept += (dropped > half) | ((dropped == half) & ((remainder != 0) | (kept & 1)));
    /* The scale is a power of two from 2^-127 to 2^63. So the scale and the product are exact. */
    const Bits scale = {(uint64_t)(exponent + drop + 1023) << 52};
    return (double)kept * scale.value;
}

/* Join the digits in eight bytes into one number. Neighbours are joined three times: into numbers of two digits, of
   four digits, and of eight digits. */
static inline uint64_t joined(uint64_t digits) {
    const uint64_t pairs = (digits * 10) + (digits >> 8);
    const uint64_t fours = (pairs & 0x000000ff000000ffull) * (100 + (1000000ull << 32));
    const uint64_t rest = ((pairs >> 16) & 0x000000ff000000ffull) * (1 + (10000ull << 32));
    return (uint32_t)((fours + rest) >> 32);
}

/* Read digits, eight at a time where eight bytes are left, and append them to `digits`. Returns how many digits
   there were. */
static inline int64_t read_digits(Text *text, uint64_t *digits) {
    const char *start = text->at;
    while (text->end - text->at >= 8) {
        uint64_t eight;
        __builtin_memcpy(&eight, text->at, 8);
        /* Subtract '0' from each byte, and test whether a byte is then above 9. A borrow changes only bytes
           behind the first that is no digit, and these are not looked at. */
        const uint64_t values = eight - 0x3030303030303030ull;
        const uint64_t others = ((values + 0x7676767676767676ull) | eight | values) & 0x8080808080808080ull;
        if (others) {
            /* Fewer digits than eight, or none, get zeros before them. */
            const int found = __builtin_ctzll(others) >> 3;
            *digits = *digits * POWERS[found] + joined((values << 8) << (56 - 8 * found));
            text->at += found;
            return text->at - start;
        }
        *digits = *digits * POWERS[8] + joined(values);
        text->at += 8;
    }
    for (; is_digit(text); text->at++) {
        *digits = *digits * 10 + (uint64_t)(*text->at - '0');
    }
    return text->at - start;
}

/* Read a number as the grammar of JSON has it. Returns 0 if there is none.

   The signs and the digits of a table come in no order that a processor could foresee, so what depends on them is
   computed and not branched on. */
static inline int read_number(Text *text, double *number) {
    skip_space(text);
    const char *start = text->at;
    const int is_negative = start < text->end && *start == '-';
    const char *first = text->at += is_negative;
    uint64_t digits = 0;
    int is_simple = 1;
    const int64_t count = read_digits(text, &digits);
    if (count == 0 || (count > 1 && *first == '0')) {
        return 0;
    }
    int64_t places = 0;
    if (text->at < text->end && *text->at == '.') {
        text->at++;
        places = read_digits(text, &digits);
        if (places == 0) {
            return 0;
        }
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
    if (is_simple && count + places - (*first == '0') <= 19) {
        Bits found = {.value = divided(digits, (int)places)};
        /* Without a point, -0 is the whole number 0, as it is in Python. */
        found.bits |= (uint64_t)(is_negative & ((digits | (uint64_t)places) != 0)) << 63;
        *number = found.value;
        return 1;
    }
    /* strtod stops where the number ends: at a quote or a bracket, or at the zero byte behind the text. */
    char *end;
    *number = strtod(start, &end);
    return end == text->at && *number >= -LARGEST && *number <= LARGEST;
}

#endif
