# CULLIS_NEED(VARIABLE, MODULES, DEBIAN-PACKAGE)
# A library that the build cannot do without.
AC_DEFUN([CULLIS_NEED], [
PKG_CHECK_MODULES([$1], [$2], [], [AC_MSG_ERROR([
$2 is missing or of the wrong version.
On Debian: apt-get install $3
pkg-config says: $$1_PKG_ERRORS])])
])

# CULLIS_TRY_FLAG(VARIABLE, FLAG)
# Append FLAG to VARIABLE if the compiler and the linker take it.
AC_DEFUN([CULLIS_TRY_FLAG], [
AC_MSG_CHECKING([whether $CC takes $2])
cullis_saved="$CFLAGS"
CFLAGS="-Werror $2 $CFLAGS"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
    [AC_MSG_RESULT([yes]); $1="$$1 $2"], [AC_MSG_RESULT([no])])
CFLAGS="$cullis_saved"
])

# CULLIS_COMPILER_FLAGS
# Our flags go into PROXY_CFLAGS and PROXY_LDFLAGS; CFLAGS is the user's.
AC_DEFUN([CULLIS_COMPILER_FLAGS], [
PROXY_CFLAGS="-std=gnu11 -pthread"
PROXY_LDFLAGS="-pthread"
m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wpointer-arith -Wwrite-strings
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef
    -Wvla -Wformat=2 -Wimplicit-fallthrough -Wnull-dereference
    -fno-strict-aliasing -fno-common -fstack-protector-strong
    -fstack-clash-protection -fcf-protection],
    [CULLIS_TRY_FLAG([PROXY_CFLAGS], flag)])
AS_IF([test "x$enable_werror" = xyes], [PROXY_CFLAGS="$PROXY_CFLAGS -Werror"])
AS_IF([test "x$enable_sanitizers" != xno], [
    PROXY_CFLAGS="$PROXY_CFLAGS -fsanitize=$enable_sanitizers"
    PROXY_CFLAGS="$PROXY_CFLAGS -fno-sanitize-recover=all"
    PROXY_CFLAGS="$PROXY_CFLAGS -fno-omit-frame-pointer"
    PROXY_LDFLAGS="$PROXY_LDFLAGS -fsanitize=$enable_sanitizers"
  ], [
    PROXY_CFLAGS="$PROXY_CFLAGS -D_FORTIFY_SOURCE=2"
    CULLIS_TRY_FLAG([PROXY_LDFLAGS], [-Wl,-z,relro])
    CULLIS_TRY_FLAG([PROXY_LDFLAGS], [-Wl,-z,now])
    CULLIS_TRY_FLAG([PROXY_LDFLAGS], [-Wl,--as-needed])
  ])
AS_IF([test "x$enable_fuzz" = xyes],
    [PROXY_CFLAGS="$PROXY_CFLAGS -fsanitize=fuzzer-no-link"])
AC_SUBST([PROXY_CFLAGS])
AC_SUBST([PROXY_LDFLAGS])
])
