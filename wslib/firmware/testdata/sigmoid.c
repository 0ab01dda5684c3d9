/* Prints the largest relative error of the sigmoid from -87 to 100, and its values far out. */
#include <math.h>
#include <stdio.h>

#include "weightsep.h"

int main(void) {
    double worst = 0;
    long i;
    for (i = -870000; i <= 1000000; i++) {
        float x = (float)i / 10000;
        double want = 1 / (1 + exp(-(double)x)), error = fabs(weightsep_sigmoid(x) / want - 1);
        if (error > worst) worst = error;
    }
    printf("%g %g %g %g\n", worst, weightsep_sigmoid(-HUGE_VALF), weightsep_sigmoid(HUGE_VALF),
           weightsep_sigmoid(0));
    return 0;
}
