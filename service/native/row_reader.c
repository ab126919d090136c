/* Reads rows of numbers from a JSON body, {"rows": [{"a": 1.5, …}, …]} or one object of features, and one row
   from the query of a URL, a=1.5&b=….

   A text is read only if every row has every feature exactly once and nothing else, and each value is a finite
   number. For any other text the functions return GIVE_UP. The parser in service/protocols/payload.py then
   reads the text again, and says what is wrong with it. So no text may be read here that the parser refuses. */

#include "read_row.h"

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
    const int64_t size = columns->ends[likely] - (likely ? columns->ends[likely - 1] : 0);
    if (text->end - start > size && start[size] == '"' && is_name(columns, likely, start, size)) {
        text->at += size + 1;
        return take(text, ':') ? likely : GIVE_UP;
    }
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

int read_row(Text *text, const Columns *columns, double *row) {
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
