// The header alone, in C99: it includes what it needs, and including it twice is harmless.
#include "brick.h"
#include "brick.h"

int main(void)
{
    brick_dims_t dims = {1, 2};
    return brick_version()->major == BRICK_VERSION_MAJOR && dims[1] == 2 ? 0 : 1;
}
