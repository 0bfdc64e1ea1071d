// The header alone, in C99: it includes what it needs, and including it twice is harmless.
#include "brick.h"
#include "brick.h"

int main(void)
{
    brick_dims_t dims = {1, 2};
    return brick_version()->major == 3 && dims[1] == BRICK_RUNTIME_OMP ? 0 : 1;
}
