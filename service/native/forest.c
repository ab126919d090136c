/* Adds up the values of the leaves that rows reach in the trees of a forest.

   Each step from a node to its child is a load from memory that waits for the load before it. So LANES walks
   run side by side: LANES rows through one tree or, for fewer rows, one row through LANES trees. Both give the
   same sums, to the last bit: each row adds its trees in the order of the forest. */

#include "native.h"

#define LANES 8
#define BLOCK 64 /* rows that fit in the L1 cache together with a tree */

/* Each kind of loop below is a copy of its own. A compiler that is only asked to inline makes one loop of them, with
   the tests of all kinds in it. */
#define INLINE static inline __attribute__((always_inline))

/* Whether rows have missing values, and trees have categories. The kind is a constant of each loop, so that the
   C compiler leaves out the tests that a kind does not need. */
#define PLAIN 0
#define WITH_MISSING 1
#define WITH_CATEGORIES 2

INLINE int32_t step(const Forest *forest, int32_t at, const double *row, int kind) {
    const Node *node = forest->nodes + at;
    const double value = row[node->feature & FEATURE];
    if (kind == PLAIN) {
        return node->left + !(value <= node->threshold);
    }
    const int is_missing = value != value;
    if (kind == WITH_CATEGORIES && (node->feature & CATEGORIES)) {
        const uint64_t *set = forest->sets + 4 * (int64_t)node->threshold;
        const uint8_t category = is_missing || value < 0 || value > 255 ? 0 : (uint8_t)value;
        const int is_known = !is_missing && value >= 0 && value <= 255;
        const int is_left = is_known ? (int)((set[category >> 6] >> (category & 63)) & 1)
                                     : (node->feature & MISSING_LEFT) != 0;
        return node->left + !is_left;
    }
    const int is_right = !(value <= node->threshold) & !(is_missing & (int)(node->feature >> 31));
    return node->left + is_right;
}

INLINE void add(const Forest *forest, int64_t tree, int32_t at, double *sums) {
    const double *value = forest->values + (int64_t)forest->leaf[at] * forest->width;
    double *sum = sums + forest->columns[tree];
    for (int64_t column = 0; column < forest->width; column++) {
        sum[column] += value[column];
    }
}

/* Walk LANES rows through one tree, and add their leaves. */
INLINE void descend_rows(const Forest *forest, int64_t tree, const double *rows, int64_t features, double *sums,
                         int kind) {
    int32_t at[LANES], moved;
    for (int lane = 0; lane < LANES; lane++) {
        at[lane] = forest->roots[tree];
    }
    do {
        moved = 0;
        for (int lane = 0; lane < LANES; lane++) {
            const int32_t next = step(forest, at[lane], rows + lane * features, kind);
            moved |= next ^ at[lane];
            at[lane] = next;
        }
    } while (moved);
    for (int lane = 0; lane < LANES; lane++) {
        add(forest, tree, at[lane], sums + lane * forest->outputs);
    }
}

/* Walk one row through `lanes` trees, LANES at most, and add their leaves. */
INLINE void descend_trees(const Forest *forest, int64_t first, int lanes, const double *row, double *sums,
                          int kind) {
    int32_t at[LANES], moved;
    for (int lane = 0; lane < lanes; lane++) {
        at[lane] = forest->roots[first + lane];
    }
    do {
        moved = 0;
        for (int lane = 0; lane < lanes; lane++) {
            const int32_t next = step(forest, at[lane], row, kind);
            moved |= next ^ at[lane];
            at[lane] = next;
        }
    } while (moved);
    for (int lane = 0; lane < lanes; lane++) {
        add(forest, first + lane, at[lane], sums);
    }
}

INLINE void one_by_one(const Forest *forest, const double *rows, int64_t count, int64_t features, double *sums,
                       int kind) {
    for (int64_t row = 0; row < count; row++) {
        const double *values = rows + row * features;
        double *sum = sums + row * forest->outputs;
        int64_t tree = 0;
        for (; tree + LANES <= forest->trees; tree += LANES) {
            descend_trees(forest, tree, LANES, values, sum, kind);
        }
        if (tree < forest->trees) {
            descend_trees(forest, tree, (int)(forest->trees - tree), values, sum, kind);
        }
    }
}

INLINE void add_all(const Forest *forest, const double *rows, int64_t count, int64_t features, double *sums,
                    int kind) {
    const int64_t whole = count - count % LANES;
    for (int64_t start = 0; start < whole; start += BLOCK) {
        const int64_t end = start + BLOCK < whole ? start + BLOCK : whole;
        for (int64_t tree = 0; tree < forest->trees; tree++) {
            for (int64_t row = start; row < end; row += LANES) {
                descend_rows(forest, tree, rows + row * features, features, sums + row * forest->outputs,
                             kind);
            }
        }
    }
    one_by_one(forest, rows + whole * features, count - whole, features, sums + whole * forest->outputs,
               kind);
}

static inline int has_missing(const double *values, int64_t count) {
    int found = 0;
    for (int64_t at = 0; at < count; at++) {
        found |= values[at] != values[at];
    }
    return found;
}

/* Add the values of the leaves that each row reaches to the row's sums, in the order of the trees. `sums` has
   the shape (count, outputs). */
void add_leaves(const Forest *forest, const double *rows, int64_t count, int64_t features, double *sums) {
    if (forest->has_categories) {
        add_all(forest, rows, count, features, sums, WITH_CATEGORIES);
    } else if (has_missing(rows, count * features)) {
        add_all(forest, rows, count, features, sums, WITH_MISSING);
    } else {
        add_all(forest, rows, count, features, sums, PLAIN);
    }
}
