/*
 * attr: the compiler attributes that our prototypes use, spelled short.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define ATTR_MUST_USE __attribute__((warn_unused_result))
#define ATTR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ATTR_NORETURN __attribute__((noreturn))
#define ATTR_NONNULL __attribute__((nonnull))
#define ATTR_MALLOC __attribute__((malloc, warn_unused_result))
#define ATTR_PURE __attribute__((pure))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
