/* Runs a row program: from the text of a request with one row to the numbers of the answer.

   NumPy takes ten times as long for the same operations of one row: nearly all of that time goes into the
   calls of NumPy, and not into the numbers. */

#include "native.h"

/* From the C library's libm, which every Python is linked with. */
extern double exp(double value);

/* The rounding error of a sum of n products is at most n * 1.15e-16 times the sum of their magnitudes, in any
   order of addition: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1. NumPy adds in another
   order than `multiply`. Both sums may be off by the bound, so they differ by at most twice the bound. */
#define ROUNDING 2.3e-16
#define TOLERANCE 1e-12 /* as in service/compiler/parity.py */

static inline double magnitude(double value) {
    return value < 0 ? -value : value;
}

/* Multiply the inputs with the coefficients, and add up in the order of the inputs. Returns how far an output
   may be from the same sum in another order. */
static inline double multiply(const RowOperation *operation, const double *inputs, double *outputs) {
    const int64_t count = operation->inputs, width = operation->outputs;
    double sizes[FEATURES_MAX];
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

/* Run one operation. Returns how far its outputs may be from the outputs in NumPy, or GIVE_UP. */
static inline double operate(const RowOperation *operation, double *workspace) {
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
        /* scikit-learn raises an error for a number that is too large. A missing value passes: a compiled
           model gets one only if its estimator takes missing values. */
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

/* Write into `answer` what the link makes of the scores. Returns how many numbers were written, or GIVE_UP. */
static inline int64_t link_scores(const RowProgram *program, const double *scores, double *answer) {
    const int64_t count = program->scores;
    double total = 0;
    switch (program->link) {
    case NO_LINK:
        /* A classifier without probabilities answers with its label only. */
        if (program->decision != NO_DECISION) {
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
        answer[1] = logistic(program->link == LOGISTIC ? scores[0] : 2.0 * scores[0]);
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

/* Whether an answer is within TOLERANCE, if a score may be off by `doubt`. No link makes an error larger, except
   EXPONENTIAL, which turns the absolute error of a score into a relative error of the answer. */
static inline int is_exact(const RowProgram *program, const double *scores, double doubt) {
    if (program->link == NO_LINK && program->decision != NO_DECISION) {
        return 1;
    }
    for (int64_t at = 0; at < program->scores; at++) {
        const double size = program->link == NO_LINK ? magnitude(scores[at]) : 1;
        if (doubt > TOLERANCE * (size > 1 ? size : 1)) {
            return 0;
        }
    }
    return 1;
}

/* Returns the position of the class, or GIVE_UP if the class depends on how the scores were rounded. */
static inline int64_t decide(const RowProgram *program, const double *scores, double doubt) {
    if (program->decision == NO_DECISION) {
        return 0;
    }
    if (program->decision != LARGEST_SCORE) {
        if (doubt > 0 && magnitude(scores[0]) <= doubt) {
            return GIVE_UP;
        }
        return program->decision == POSITIVE ? scores[0] > 0 : scores[0] >= 0;
    }
    int64_t best = 0;
    for (int64_t at = 1; at < program->scores; at++) {
        best = scores[at] > scores[best] ? at : best;
    }
    for (int64_t at = 0; doubt > 0 && at < program->scores; at++) {
        if (at != best && scores[best] - scores[at] <= 2 * doubt) {
            return GIVE_UP;
        }
    }
    return best;
}

/* Answer one row. Writes the probabilities of a classifier into `answer`, if it has probabilities, or the
   values of a regressor. Returns the position of the class, 0 for a regressor, or GIVE_UP for a row that NumPy
   or scikit-learn must answer. */
int64_t answer_row(const RowProgram *program, const double *row, double *answer) {
    double workspace[WORKSPACE];
    double doubt = 0;
    for (int64_t at = 0; at < program->features; at++) {
        workspace[at] = row[at];
    }
    for (int64_t at = 0; at < program->count; at++) {
        const double more = operate(program->operations + at, workspace);
        if (more < 0) {
            return GIVE_UP;
        }
        doubt += more;
    }
    const double *scores = workspace + program->from;
    for (int64_t at = 0; at < program->scores; at++) {
        if (!(magnitude(scores[at]) <= LARGEST)) {
            return GIVE_UP;
        }
    }
    if (!is_exact(program, scores, doubt)) {
        return GIVE_UP;
    }
    const int64_t count = link_scores(program, scores, answer);
    for (int64_t at = 0; at < count; at++) {
        if (!(magnitude(answer[at]) <= LARGEST)) {
            return GIVE_UP;
        }
    }
    return count < 0 ? GIVE_UP : decide(program, scores, doubt);
}

/* Read a JSON body with one row, and answer as `answer_row` does. */
int64_t answer_body(const Columns *columns, const RowProgram *program, const char *text, int64_t length,
                    double *answer) {
    double row[FEATURES_MAX];
    return read_rows(columns, text, length, row, 1) == 1 ? answer_row(program, row, answer) : GIVE_UP;
}

/* Read a query into `row`, and answer as `answer_row` does. */
int64_t answer_query(const Columns *columns, const RowProgram *program, const char *text, int64_t length,
                     double *row, double *answer) {
    return read_query(columns, text, length, row) == 1 ? answer_row(program, row, answer) : GIVE_UP;
}
