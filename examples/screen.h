// What the examples show: colour, bars and a live line on a terminal; the same words, plain, in a file or a pipe.
//
// NO_COLOR switches colour off, and bars are ASCII where the locale is not UTF-8.
#ifndef SCREEN_H
#define SCREEN_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum ink { PLAIN, BOLD, DIM, GREEN, CYAN };

static inline int on_terminal(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && kind && strcmp(kind, "dumb") != 0;
}

static inline int speaks_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *locale = getenv(names[i]);
        if (locale && *locale)
            return strstr(locale, "UTF-8") || strstr(locale, "utf8");
    }
    return 0;
}

// The escape sequence that changes the colour, or nothing.
static inline const char *paint(enum ink ink)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[36m"};
    return on_terminal() && !getenv("NO_COLOR") ? codes[ink] : "";
}

// Two spaces and a bar of `width` cells of which `share` (0 to 1) are full; off a terminal nothing.
static inline void bar(double share, int width, enum ink ink)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (!on_terminal())
        return;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    int utf8 = speaks_utf8(), filled = (int)(share * width * 8 + 0.5), cells = filled / 8, part = utf8 ? filled % 8 : 0;
    printf("  %s", paint(ink));
    for (int i = 0; i < cells; i++)
        printf("%s", utf8 ? "█" : "#");
    printf("%s%s%s", eighths[part], paint(PLAIN), paint(DIM));
    for (int i = cells + (part > 0); i < width; i++)
        printf("%s", utf8 ? "·" : ".");
    printf("%s", paint(PLAIN));
}

// Begins the current line anew, so that what is printed next replaces a live line.
static inline void rewrite_line(void)
{
    if (on_terminal())
        printf("\r\033[K");
}

// Progress within a line that will be replaced; a terminal alone gets to see it.
static inline void live(double share, const char *format, ...)
{
    if (!on_terminal())
        return;
    va_list values;
    va_start(values, format);
    rewrite_line();
    vprintf(format, values);
    bar(share, 24, DIM);
    fflush(stdout);
    va_end(values);
}

#endif
