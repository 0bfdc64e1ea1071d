/* The header twice, and a value of each kind. Compiled as C99 and C++17. */
#include "brick.h"
#include "brick.h"

brick_status_t use(void);

brick_status_t use(void) {
    brick_dims_t dims = {2, 3};
    brick_data_type_t type = brick_f32;
    brick_memory_desc_t md = NULL;
    const_brick_memory_desc_t seen = md;
    brick_exec_arg_t args[] = {
        {BRICK_ARG_SRC, NULL},
        {BRICK_ARG_ATTR_MULTIPLE_POST_OP(1) | BRICK_ARG_SRC_1, NULL},
    };
    void *data = BRICK_MEMORY_ALLOCATE;
    brick_status_t status = brick_memory_desc_create_with_tag(&md, 2, dims, type, brick_nc);
    if (status != brick_success || dims[0] == BRICK_RUNTIME_DIM_VAL || data == BRICK_MEMORY_NONE) return status;
    return args[0].arg == BRICK_ARG_FROM && brick_memory_desc_equal(md, seen) ? brick_success : brick_unimplemented;
}
