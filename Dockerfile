# The walkthrough with all that it needs: after the build nothing is downloaded any more.
#   docker build -t weightsep:1 . && docker run --rm weightsep:1
FROM golang:1.26.8-bookworm
# Debian keeps no old versions of its packages, so none is named.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 user
USER 1000
WORKDIR /home/user/weightsep
COPY --chown=1000:1000 . .
RUN go mod download && go install ./wslib/ws && go run ./notebooks -setup
CMD ["go", "run", "./notebooks", "-profile", "smoke"]
