// The second translation unit of header_a.cpp.
#include "brick.h"

int minor_version()
{
    return brick_version()->minor;
}
