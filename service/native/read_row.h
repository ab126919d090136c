/* One row of a JSON body, for the C files that read tables. */

#ifndef INFER_READ_ROW_H
#define INFER_READ_ROW_H

#include "numbers.h"

/* Read an object of features, after its opening brace, into `row`. Returns 0 if it is not a complete row. */
int read_row(Text *text, const Columns *columns, double *row);

#endif
