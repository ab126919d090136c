/* Finds the tables of numbers in a JSON body, whatever stands around them, and reads the lines of a CSV.

   A table is a list of numbers, a list of lists of as many numbers each, or a list of objects of features. Python
   parses what is left of the body, in which a short text stands for each table. As in row_reader.c, anything that
   is not certainly right is left to the parser in Python. */

#include "read_row.h"

/* The shapes of tensors and the like are lists of numbers, too, and shorter than this. */
#define FLAT_MIN 33

typedef struct {
    double *numbers;          /* where the next number goes */
    double *end;
} Space;

/* Read numbers with commas between them up to the closing bracket. Returns how many, or GIVE_UP. */
static inline int64_t read_list(Text *text, Space *space) {
    double *number = space->numbers;
    do {
        if (number == space->end || !read_number(text, number)) {
            return GIVE_UP;
        }
        number++;
    } while (take(text, ','));
    if (!take(text, ']')) {
        return GIVE_UP;
    }
    const int64_t count = number - space->numbers;
    space->numbers = number;
    return count;
}

static inline int read_lists(Text *text, Space *space, Table *table) {
    do {
        if (!take(text, '[')) {
            return 0;
        }
        const int64_t count = read_list(text, space);
        if (count == GIVE_UP || (table->rows && count != table->width)) {
            return 0;
        }
        table->width = count;
        table->rows++;
    } while (take(text, ','));
    return take(text, ']');
}

static inline int read_objects(Text *text, const Columns *columns, Space *space, Table *table) {
    table->width = columns->features;
    do {
        if (space->end - space->numbers < table->width || !take(text, '{') ||
            !read_row(text, columns, space->numbers)) {
            return 0;
        }
        space->numbers += table->width;
        table->rows++;
    } while (take(text, ','));
    return take(text, ']');
}

/* Read the list that starts behind its bracket. Returns 0 if it is no table. */
static int read_table(Text *text, const Columns *columns, Space *space, Table *table) {
    table->rows = 0;
    skip_space(text);
    if (text->at == text->end) {
        return 0;
    }
    if (*text->at == '[') {
        table->kind = LISTS;
        return read_lists(text, space, table);
    }
    if (*text->at == '{') {
        table->kind = OBJECTS;
        return read_objects(text, columns, space, table);
    }
    if (*text->at != '-' && !is_digit(text)) {
        return 0;
    }
    table->kind = FLAT;
    table->width = 1;
    table->rows = read_list(text, space);
    return table->rows >= FLAT_MIN;
}

/* Find the tables of a JSON body, and put their numbers one table after the other into `numbers`, which has space
   for `most`. Returns how many tables there are, or GIVE_UP.

   A zero byte must follow the text, as in the `bytes` of Python. The rest of the text is not checked. Each byte
   is looked at a few times at most: a list inside a list that turned out to be no table is tried once more. */
int64_t find_tables(const Columns *columns, const char *start, int64_t length, double *numbers, int64_t most,
                    Table *tables, int64_t most_tables) {
    Text text = {start, start + length};
    Space space = {numbers, numbers + most};
    int64_t count = 0;
    if (columns->features < 1 || columns->features > FEATURES_MAX) {
        return GIVE_UP;
    }
    while (text.at < text.end) {
        const char found = *text.at++;
        if (found == '"') {
            while (text.at < text.end && *text.at != '"') {
                if (*text.at++ == '\\') {
                    return GIVE_UP;
                }
            }
            if (text.at++ == text.end) {
                return GIVE_UP;
            }
        } else if (found == '[') {
            Text list = text;
            Space left = space;
            Table table;
            if (count == most_tables) {
                return GIVE_UP;
            }
            if (read_table(&list, columns, &left, &table)) {
                table.start = text.at - 1 - start;
                table.end = list.at - start;
                tables[count++] = table;
                text = list;
                space = left;
            }
        }
    }
    return count;
}

/* Read the lines of a CSV, each of `width` numbers with commas between them, into `numbers`, which has space for
   `most`. Returns how many lines there are, or GIVE_UP. Empty lines are passed over, as Python does.

   A zero byte must follow the text. */
int64_t read_csv(int64_t width, const char *start, int64_t length, double *numbers, int64_t most) {
    Text text = {start, start + length};
    int64_t rows = 0;
    while (1) {
        while (text.at < text.end && (*text.at == '\n' || *text.at == '\r')) {
            text.at++;
        }
        if (text.at == text.end) {
            return rows;
        }
        if (most - rows * width < width) {
            return GIVE_UP;
        }
        for (int64_t column = 0; column < width; column++) {
            if (column && (text.at == text.end || *text.at++ != ',')) {
                return GIVE_UP;
            }
            /* The number must follow at once: read_number would skip spaces and the ends of lines. */
            if (!is_digit(&text) && (text.at == text.end || *text.at != '-')) {
                return GIVE_UP;
            }
            if (!read_number(&text, numbers + rows * width + column)) {
                return GIVE_UP;
            }
        }
        if (text.at < text.end && *text.at != '\n' && *text.at != '\r') {
            return GIVE_UP;
        }
        rows++;
    }
}
