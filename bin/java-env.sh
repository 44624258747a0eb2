# Sourced by the commands beside it: finds a JDK and says how to run our classes. Not a command itself.

# The checkout, wherever the command was linked from.
CURVEFS_HOME=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# Our jars and those of others. The link is resolved once: a process keeps the build it began with.
CURVEFS_LIB=${CURVEFS_LIB:-$(readlink -m "$CURVEFS_HOME/dist/current")}

# Prints the path of a java of version 17 or later.
find_java() {
  local candidate version
  for candidate in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(command -v java)" /usr/lib/jvm/*/bin/java; do
    [ -x "$candidate" ] || continue
    version=$("$candidate" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
    if [ "${version:-0}" -ge 17 ]; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# curvefs_java HEAP_MIB ARGUMENT... : becomes the curvefs command.
curvefs_java() {
  local java heap=$1 flags
  shift
  if ! java=$(find_java); then
    echo "curvefs: no Java 17 or later found: 'bin/curvefs quickstart' installs one, or set JAVA_HOME" >&2
    exit 1
  fi
  if ! ls "$CURVEFS_LIB"/curvefs-fuse-client-*.jar > /dev/null 2>&1; then
    echo "curvefs: not built yet: run $CURVEFS_HOME/bin/build" >&2
    exit 1
  fi
  flags=(-XX:+UseSerialGC -Xss512k -XX:MaxDirectMemorySize=64g "-Xmx${heap}m" -XX:+ExitOnOutOfMemoryError -Xshare:auto
    -Djava.net.preferIPv4Stack=true -Dio.netty.tryReflectionSetAccessible=false
    -Dcurvefs.home="$CURVEFS_HOME")
  # Say beforehand that native code is wanted, where the JDK would warn of it.
  if "$java" --enable-native-access=ALL-UNNAMED -version > /dev/null 2>&1; then
    flags+=(--enable-native-access=ALL-UNNAMED)
  fi
  if "$java" --sun-misc-unsafe-memory-access=allow -version > /dev/null 2>&1; then
    flags+=(--sun-misc-unsafe-memory-access=allow)
  fi
  exec "$java" "${flags[@]}" ${CURVEFS_JAVA_FLAGS:-} \
    -cp "$CURVEFS_LIB/*" \
    io.curvefs.client.cli.Curvefs "$@"
}
