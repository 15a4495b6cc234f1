#include "lib/detect/fit.h"

struct line_fit fit_line(const float *x, const float *y, int n)
{
    double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
    for (int i = 0; i < n; i++) {
        mx += (double)x[i] / n;
        my += (double)y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        double dx = (double)x[i] - mx, dy = (double)y[i] - my;
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    if (!(xx > 0) || !(yy > 0))
        return (struct line_fit){0, 0};
    return (struct line_fit){xy / xx, xy * xy / (xx * yy)};
}
