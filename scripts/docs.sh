#!/usr/bin/env bash
# Builds the documentation into var/site. A link that leads nowhere fails it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=var/docs-python/bin/python
stamp=var/docs-python/.installed-$(sha256sum docs/requirements.txt | cut -c1-16)
if [ ! -e "$stamp" ]; then
    python3 -m venv var/docs-python
    $python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
    touch "$stamp"
fi

# The pages and what they link to, in the places that they have in the repository.
pages=var/docs
rm -rf "$pages"
mkdir -p "$pages"
cp --parents -r ./*.md LICENSE openapi.yaml docs deploy models/easyanimate-tiny/README.md \
    models/easyanimate-tiny/LICENSE-sprites.md models/easyanimate-tiny/sheets "$pages"
rm "$pages/docs/requirements.txt"
NO_MKDOCS_2_WARNING=1 $python -m mkdocs build --strict
rm -rf "$pages"
echo "The documentation is $PWD/var/site/index.html"
