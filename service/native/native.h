/* What Python calls, through ctypes: see service/native/__init__.py, which must agree with it.

   Nothing here allocates, keeps anything, or calls into Python; so a library that was built for a processor
   works with every Python and every C library on Linux. */

#ifndef INFER_NATIVE_H
#define INFER_NATIVE_H

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* A node of a binary tree. A row whose value is at most the threshold goes left, any other goes to the node
   after that on the left. A leaf is its own left child, and no value leaves it. */
typedef struct {
    double threshold; /* of a node with categories: the position of its set of categories, as an integer */
    int32_t left;
    uint32_t feature; /* with the flags below */
} Node;

#define MISSING_LEFT 0x80000000u
#define CATEGORIES 0x40000000u
#define FEATURE 0x3fffffffu

typedef struct {
    const Node *nodes;
    const int32_t *leaf;      /* by node: the position of its value, of use for leaves only */
    const double *values;     /* by leaf: `width` numbers */
    const uint64_t *sets;     /* four words each: the categories 0 to 255 that go left */
    const int32_t *roots;     /* by tree */
    const int32_t *columns;   /* by tree: the first of the `width` outputs that its leaves are added to */
    int64_t trees;
    int64_t width;
    int64_t outputs;
    int64_t has_categories;
} Forest;

EXPORT void add_leaves(const Forest *forest, const double *rows, int64_t count, int64_t features, double *sums);

typedef struct {
    const char *names;        /* of all features one after the other, in UTF-8 */
    const int32_t *ends;      /* by feature: where its name ends */
    int64_t features;
} Columns;

EXPORT int64_t read_rows(const Columns *columns, const char *text, int64_t length, double *rows, int64_t most);

#endif
