/* The functions that Python calls through ctypes, and their arguments: service/native/library.py declares the
   same structures, fields and constants, and must agree with this file.

   No function here allocates memory, keeps state between calls, or calls into Python. So a library that was
   built once for a processor works with every Python and every C library on Linux. */

#ifndef INFER_NATIVE_H
#define INFER_NATIVE_H

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* A node of a binary tree. The right child follows the left child in the array of nodes. A row goes left if
   its value is at most the threshold. A leaf is its own left child, and every value goes left there. */
typedef struct {
    double threshold; /* with CATEGORIES: the position of the node's set of categories, a whole number */
    int32_t left;     /* the position of the left child */
    uint32_t feature; /* the position of the value in a row, in the bits of FEATURE, with the flags below */
} Node;

#define MISSING_LEFT 0x80000000u /* a missing value (NaN) goes left */
#define CATEGORIES 0x40000000u   /* a category goes left if it is in the node's set */
#define FEATURE 0x3fffffffu

typedef struct {
    const Node *nodes;
    const int32_t *leaf;      /* by node: the position of its values; not used for a node that is no leaf */
    const double *values;     /* by leaf: `width` numbers */
    const uint64_t *sets;     /* four words for each set: one bit for each of the categories 0 to 255 */
    const int32_t *roots;     /* by tree: the position of the root node */
    const int32_t *columns;   /* by tree: the first of the `width` outputs that the leaf values are added to */
    int64_t trees;
    int64_t width;
    int64_t outputs;
    int64_t has_categories;
} Forest;

EXPORT void add_leaves(const Forest *forest, const double *rows, int64_t count, int64_t features, double *sums);

typedef struct {
    const char *names;        /* the names of all features in UTF-8, without anything between them */
    const int32_t *ends;      /* by feature: where its name ends */
    int64_t features;
} Columns;

EXPORT int64_t read_rows(const Columns *columns, const char *text, int64_t length, double *rows, int64_t most);
EXPORT int64_t read_query(const Columns *columns, const char *text, int64_t length, double *row);

/* A list of the text that holds numbers alone: where it stands, and its shape. */
typedef struct {
    int64_t kind;
    int64_t start;            /* of the opening bracket */
    int64_t end;              /* behind the closing bracket */
    int64_t rows;
    int64_t width;            /* numbers in each row; 1 for FLAT */
} Table;

enum { FLAT, LISTS, OBJECTS };

EXPORT int64_t find_tables(const Columns *columns, const char *text, int64_t length, double *numbers, int64_t most,
                           Table *tables, int64_t most_tables);
EXPORT int64_t read_csv(int64_t width, const char *text, int64_t length, double *numbers, int64_t most);

/* A row program: the operations of a compiled model for one row. Each operation takes `inputs` numbers of the
   workspace, which begins with the row, and writes `outputs` numbers to another place of the workspace. */
enum { SHIFT, STRETCH, FILL, CLIP, TAKE, CHECK, PRODUCT, TREES };

typedef struct {
    int64_t kind;
    int64_t from;             /* where the inputs begin */
    int64_t inputs;
    int64_t to;               /* where the outputs begin */
    int64_t outputs;
    const double *first;      /* SHIFT: center; STRETCH: scale; FILL: replacements; PRODUCT: coefficients;
                                 TREES: the numbers that the sums start from */
    const double *second;     /* SHIFT: scale; STRETCH: offset; PRODUCT: intercept */
    const int64_t *columns;   /* TAKE: the positions of the inputs that are taken */
    const Forest *forest;     /* TREES */
    double low;               /* CLIP: the lower limit; TREES: the divisor of the sums */
    double high;              /* CLIP: the upper limit */
} RowOperation;

/* From scores to probabilities, and from scores to a class: LINKS and DECISIONS in
   service/compiler/functions.py say what each name stands for. */
enum { NO_LINK, SHARES, LOGISTIC, LOGISTIC_OF_TWICE, SOFTMAX, SOFTMAX_OF_BOTH, NORMALIZED_LOGISTIC, EXPONENTIAL };
enum { NO_DECISION, POSITIVE, NOT_NEGATIVE, LARGEST_SCORE };

#define WORKSPACE 4096 /* numbers */

typedef struct {
    const RowOperation *operations;
    int64_t count;            /* of operations */
    int64_t features;
    int64_t from;             /* where the scores begin in the workspace */
    int64_t scores;           /* how many scores there are */
    int64_t link;
    int64_t decision;
} RowProgram;

EXPORT int64_t answer_row(const RowProgram *program, const double *row, double *answer);
EXPORT int64_t answer_body(const Columns *columns, const RowProgram *program, const char *text, int64_t length,
                           double *answer);
EXPORT int64_t answer_query(const Columns *columns, const RowProgram *program, const char *text, int64_t length,
                            double *row, double *answer);

/* The result for a text or a row that Python must handle. */
#define GIVE_UP (-1)
/* The largest number of 32 bits: LARGEST_NUMBER in service/schema/features.py. */
#define LARGEST 3.4028234663852886e38
#define FEATURES_MAX 1024

#endif
