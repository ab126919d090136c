/* Takes one row through the operations of a model, from the text of a request to the numbers of the answer.

   The same steps in NumPy take ten times as long, nearly all of it to begin and end each of them. */

#include "native.h"

/* Of the C library's mathematics, which every Python is linked with. */
extern double exp(double value);

/* A sum of products may differ from that of another order by no more than this, for each product and unit
   of their magnitude: twice the bound of Higham, Accuracy and Stability of Numerical Algorithms, section 3.1,
   since either may be off by it. */
#define ROUNDING 2.3e-16
#define TOLERANCE 1e-12

static inline double magnitude(double value) {
    return value < 0 ? -value : value;
}

/* Add up products in the order of the inputs. How far the sums may be from those of another order. */
static inline double multiply(const Operation *operation, const double *inputs, double *outputs) {
    const int64_t count = operation->inputs, width = operation->outputs;
    double sizes[MOST_FEATURES];
    double largest = 0;
    for (int64_t output = 0; output < width; output++) {
        outputs[output] = 0;
        sizes[output] = magnitude(operation->second[output]);
    }
    for (int64_t input = 0; input < count; input++) {
        const double *coefficients = operation->first + input * width;
        for (int64_t output = 0; output < width; output++) {
            const double product = inputs[input] * coefficients[output];
            outputs[output] += product;
            sizes[output] += magnitude(product);
        }
    }
    for (int64_t output = 0; output < width; output++) {
        outputs[output] += operation->second[output];
        largest = sizes[output] > largest ? sizes[output] : largest;
    }
    return largest * (double)(count + 1) * ROUNDING;
}

/* Do one operation. How far the outputs may be from NumPy's, or GIVE_UP. */
static inline double operate(const Operation *operation, double *workspace) {
    const double *inputs = workspace + operation->from;
    double *outputs = workspace + operation->to;
    const double *first = operation->first, *second = operation->second;
    const int64_t count = operation->outputs;
    switch (operation->kind) {
    case SHIFT:
        for (int64_t at = 0; at < count; at++) {
            const double centered = first ? inputs[at] - first[at] : inputs[at];
            outputs[at] = second ? centered / second[at] : centered;
        }
        return 0;
    case STRETCH:
        for (int64_t at = 0; at < count; at++) {
            const double product = inputs[at] * first[at];
            outputs[at] = product + second[at];
        }
        return 0;
    case FILL:
        for (int64_t at = 0; at < count; at++) {
            outputs[at] = inputs[at] != inputs[at] ? first[at] : inputs[at];
        }
        return 0;
    case CLIP:
        for (int64_t at = 0; at < count; at++) {
            const double raised = inputs[at] < operation->low ? operation->low : inputs[at];
            outputs[at] = raised > operation->high ? operation->high : raised;
        }
        return 0;
    case TAKE:
        for (int64_t at = 0; at < count; at++) {
            outputs[at] = inputs[operation->columns[at]];
        }
        return 0;
    case CHECK:
        /* Models refuse what a step made too large. Missing values are theirs to take. */
        for (int64_t at = 0; at < count; at++) {
            if (magnitude(inputs[at]) > LARGEST) {
                return GIVE_UP;
            }
        }
        return 0;
    case PRODUCT:
        return multiply(operation, inputs, outputs);
    case TREES:
        for (int64_t at = 0; at < count; at++) {
            outputs[at] = first[at];
        }
        add_leaves(operation->forest, inputs, 1, operation->inputs, outputs);
        if (operation->low != 1.0) {
            for (int64_t at = 0; at < count; at++) {
                outputs[at] /= operation->low;
            }
        }
        return 0;
    default:
        return GIVE_UP;
    }
}

static inline double logistic(double score) {
    return 1.0 / (1.0 + exp(-score));
}

static inline void softmax(const double *scores, int64_t count, double *shares) {
    double largest = scores[0], total = 0;
    for (int64_t at = 1; at < count; at++) {
        largest = scores[at] > largest ? scores[at] : largest;
    }
    for (int64_t at = 0; at < count; at++) {
        shares[at] = exp(scores[at] - largest);
        total += shares[at];
    }
    for (int64_t at = 0; at < count; at++) {
        shares[at] /= total;
    }
}

/* Put into `answer` what the link makes of the scores; how many numbers these are, or GIVE_UP. */
static inline int64_t link_scores(const Path *path, const double *scores, double *answer) {
    const int64_t count = path->scores;
    double total = 0;
    switch (path->link) {
    case NO_LINK:
        /* A classifier without probabilities has its label alone. */
        if (path->decision != NO_DECISION) {
            return 0;
        }
        /* fall through */
    case SHARES:
        for (int64_t at = 0; at < count; at++) {
            answer[at] = scores[at];
        }
        return count;
    case EXPONENTIAL:
        for (int64_t at = 0; at < count; at++) {
            answer[at] = exp(scores[at]);
        }
        return count;
    case LOGISTIC:
    case LOGISTIC_OF_TWICE:
        answer[1] = logistic(path->link == LOGISTIC ? scores[0] : 2.0 * scores[0]);
        answer[0] = 1.0 - answer[1];
        return 2;
    case SOFTMAX:
        softmax(scores, count, answer);
        return count;
    case SOFTMAX_OF_BOTH:
        softmax((const double[]){-scores[0], scores[0]}, 2, answer);
        return 2;
    case NORMALIZED_LOGISTIC:
        for (int64_t at = 0; at < count; at++) {
            answer[at] = logistic(scores[at]);
            total += answer[at];
        }
        if (!(total > 0)) {
            return GIVE_UP;
        }
        for (int64_t at = 0; at < count; at++) {
            answer[at] /= total;
        }
        return count;
    default:
        return GIVE_UP;
    }
}

/* Whether numbers that are off by `doubt` still have the twelve digits that service/compiler/parity.py asks for.
   No link makes the doubt larger, but for the exponential, which makes it relative. */
static inline int is_exact(const Path *path, const double *scores, double doubt) {
    if (path->link == NO_LINK && path->decision != NO_DECISION) {
        return 1;
    }
    for (int64_t at = 0; at < path->scores; at++) {
        const double size = path->link == NO_LINK ? magnitude(scores[at]) : 1;
        if (doubt > TOLERANCE * (size > 1 ? size : 1)) {
            return 0;
        }
    }
    return 1;
}

/* The position of the class, or GIVE_UP if it hangs on how the scores were rounded. */
static inline int64_t decide(const Path *path, const double *scores, double doubt) {
    if (path->decision == NO_DECISION) {
        return 0;
    }
    if (path->decision != LARGEST_SCORE) {
        if (doubt > 0 && magnitude(scores[0]) <= doubt) {
            return GIVE_UP;
        }
        return path->decision == POSITIVE ? scores[0] > 0 : scores[0] >= 0;
    }
    int64_t best = 0;
    for (int64_t at = 1; at < path->scores; at++) {
        best = scores[at] > scores[best] ? at : best;
    }
    for (int64_t at = 0; doubt > 0 && at < path->scores; at++) {
        if (at != best && scores[best] - scores[at] <= 2 * doubt) {
            return GIVE_UP;
        }
    }
    return best;
}

/* Put into `answer` what the model says of a row: the probabilities of a classifier that has any, or the
   values of a regressor. The position of the class, or 0; GIVE_UP for rows that others must judge. */
int64_t answer_row(const Path *path, const double *row, double *answer) {
    double workspace[WORKSPACE];
    double doubt = 0;
    for (int64_t at = 0; at < path->features; at++) {
        workspace[at] = row[at];
    }
    for (int64_t at = 0; at < path->count; at++) {
        const double more = operate(path->operations + at, workspace);
        if (more < 0) {
            return GIVE_UP;
        }
        doubt += more;
    }
    const double *scores = workspace + path->from;
    for (int64_t at = 0; at < path->scores; at++) {
        if (!(magnitude(scores[at]) <= LARGEST)) {
            return GIVE_UP;
        }
    }
    if (!is_exact(path, scores, doubt)) {
        return GIVE_UP;
    }
    const int64_t count = link_scores(path, scores, answer);
    for (int64_t at = 0; at < count; at++) {
        if (!(magnitude(answer[at]) <= LARGEST)) {
            return GIVE_UP;
        }
    }
    return count < 0 ? GIVE_UP : decide(path, scores, doubt);
}

/* Read a JSON body of one row, and answer as `answer_row` does. */
int64_t answer_body(const Columns *columns, const Path *path, const char *text, int64_t length,
                    double *answer) {
    double row[MOST_FEATURES];
    return read_rows(columns, text, length, row, 1) == 1 ? answer_row(path, row, answer) : GIVE_UP;
}

/* Read a query into `row`, and answer as `answer_row` does. */
int64_t answer_query(const Columns *columns, const Path *path, const char *text, int64_t length, double *row,
                     double *answer) {
    return read_query(columns, text, length, row) == 1 ? answer_row(path, row, answer) : GIVE_UP;
}
