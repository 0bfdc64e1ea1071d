// The images that the examples learn from: handwritten digits in a CSV file, or MNIST's IDX files.
//
// Needs _POSIX_C_SOURCE.
#ifndef DATASET_H
#define DATASET_H

#include <string.h>

#include "example.h"

enum { CLASSES = 10 };

struct dataset {
    int64_t count, width;
    uint8_t *pixels; // count rows of width values,
    float scale;     // which times the scale lie in [0, 1]
    uint8_t *labels;
};

static inline void free_dataset(struct dataset *set)
{
    free(set->pixels);
    free(set->labels);
}

static inline void append(struct dataset *set, const uint8_t *pixels, int label)
{
    memcpy(set->pixels + set->count * set->width, pixels, (size_t)set->width);
    set->labels[set->count++] = (uint8_t)label;
}

static inline void check_labels(const char *path, const struct dataset *set)
{
    for (int64_t i = 0; i < set->count; i++) {
        if (set->labels[i] >= CLASSES) {
            fprintf(stderr, "%s: label %d, but there are %d classes\n", path, set->labels[i], CLASSES);
            exit(EXIT_FAILURE);
        }
    }
}

// Reads lines of 64 pixels and a digit; every fifth line goes to the test set.
static inline void read_digits(const char *path, struct dataset *train, struct dataset *test)
{
    enum { WIDTH = 64, MAX_COUNT = 1797 };
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "%s: cannot be opened (run from the top of the repository, or give --data FILE)\n", path);
        exit(EXIT_FAILURE);
    }
    struct dataset *sets[] = {train, test};
    for (int i = 0; i < 2; i++) {
        sets[i]->width = WIDTH;
        sets[i]->scale = 1.f / 16;
        sets[i]->pixels = allocate(MAX_COUNT * WIDTH);
        sets[i]->labels = allocate(MAX_COUNT);
    }
    for (int line = 0; line < MAX_COUNT; line++) {
        uint8_t pixels[WIDTH];
        int value, got = 0;
        while (got < WIDTH && fscanf(file, "%d,", &value) == 1)
            pixels[got++] = (uint8_t)value;
        if (got < WIDTH || fscanf(file, "%d", &value) != 1)
            break;
        append(sets[line % 5 == 4], pixels, value);
    }
    fclose(file);
    check_labels(path, train);
    check_labels(path, test);
}

// Opens DIR/NAME, or DIR/NAME.gz through gzip; both are read as a pipe.
static inline FILE *open_idx(const char *dir, const char *name)
{
    char command[1024];
    int length = snprintf(command, sizeof command, "if [ -f '%s/%s' ]; then cat '%s/%s'; else gzip -dc '%s/%s.gz'; fi",
                          dir, name, dir, name, dir, name);
    FILE *pipe = strchr(dir, '\'') || length >= (int)sizeof command ? NULL : popen(command, "r");
    if (!pipe) {
        fprintf(stderr, "%s/%s: cannot be read\n", dir, name);
        exit(EXIT_FAILURE);
    }
    return pipe;
}

static inline int64_t read_be32(FILE *file)
{
    unsigned char b[4] = {0};
    return fread(b, 1, 4, file) == 4 ? (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3] : -1;
}

// The bytes behind an IDX header of `ndims` dims; dims is filled, the caller frees.
static inline uint8_t *read_idx(const char *dir, const char *prefix, const char *suffix, int ndims, int64_t *dims)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%s", prefix, suffix);
    FILE *file = open_idx(dir, name);
    int good = read_be32(file) == 0x800 + ndims;
    size_t bytes = 1;
    for (int i = 0; i < ndims; i++) {
        dims[i] = read_be32(file);
        good = good && dims[i] > 0 && dims[i] < 1 << 20;
        bytes *= good ? (size_t)dims[i] : 1;
    }
    uint8_t *data = allocate(bytes);
    good = good && fread(data, 1, bytes, file) == bytes;
    if (pclose(file) != 0 || !good) {
        fprintf(stderr, "%s/%s: not an IDX file of %d dims\n", dir, name, ndims);
        exit(EXIT_FAILURE);
    }
    return data;
}

static inline void read_mnist(const char *dir, const char *prefix, struct dataset *set)
{
    int64_t dims[3], count;
    set->pixels = read_idx(dir, prefix, "images-idx3-ubyte", 3, dims);
    set->labels = read_idx(dir, prefix, "labels-idx1-ubyte", 1, &count);
    set->count = count < dims[0] ? count : dims[0];
    set->width = dims[1] * dims[2];
    set->scale = 1.f / 255;
    check_labels(dir, set);
}

#endif
