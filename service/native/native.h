/* What Python calls, through ctypes: see service/native/library.py, which must agree with it.

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
EXPORT int64_t read_query(const Columns *columns, const char *text, int64_t length, double *row);

/* What becomes of one row. Each operation takes `inputs` numbers of the workspace, which begins with the row,
   and puts `outputs` numbers elsewhere in it. */
enum { SHIFT, STRETCH, FILL, CLIP, TAKE, CHECK, PRODUCT, TREES };

typedef struct {
    int64_t kind;
    int64_t from;
    int64_t inputs;
    int64_t to;
    int64_t outputs;
    const double *first;      /* by kind: the center, the scale, what is filled in, coefficients, start */
    const double *second;     /* the scale, the offset, the intercept */
    const int64_t *columns;   /* of TAKE */
    const Forest *forest;     /* of TREES */
    double low;               /* of CLIP; of TREES: the divisor */
    double high;
} Operation;

/* What becomes of the scores: see LINKS and DECISIONS in service/compiler/functions.py. */
enum { NO_LINK, SHARES, LOGISTIC, LOGISTIC_OF_TWICE, SOFTMAX, SOFTMAX_OF_BOTH, NORMALIZED_LOGISTIC, EXPONENTIAL };
enum { NO_DECISION, POSITIVE, NOT_NEGATIVE, LARGEST_SCORE };

#define WORKSPACE 4096

typedef struct {
    const Operation *operations;
    int64_t count;
    int64_t features;
    int64_t from;             /* where the scores are */
    int64_t scores;
    int64_t link;
    int64_t decision;
} Path;

EXPORT int64_t answer_row(const Path *path, const double *row, double *answer);
EXPORT int64_t answer_body(const Columns *columns, const Path *path, const char *text, int64_t length,
                           double *answer);
EXPORT int64_t answer_query(const Columns *columns, const Path *path, const char *text, int64_t length,
                            double *row, double *answer);

#define GIVE_UP (-1)
/* The largest number in 32 bits, as service/protocols/value_checks.py has it. */
#define LARGEST 3.4028234663852886e38
#define MOST_FEATURES 1024

#endif
