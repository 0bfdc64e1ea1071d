// The header in two translation units of one C++17 program; this is the first.
#include "brick.h"

int minor_version();

int main()
{
    return brick_version()->minor == minor_version() ? 0 : 1;
}
