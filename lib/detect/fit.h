/* A straight line through points. Nothing is owned. */
#ifndef LW_DETECT_FIT_H
#define LW_DETECT_FIT_H

struct line_fit {
    double slope; /* of y on x, by least squares */
    double r2;    /* share of y's variance that it explains, 0…1 */
};
/* Both 0 where x or y does not vary. */
struct line_fit fit_line(const float *x, const float *y, int n);

#endif
