# A worker and the `rlm` command. The Node version is that of package.json's devDependency `node`.
FROM node:26.10.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node scripts/build.mjs

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production \
    RLM_HOME=/var/lib/rlm \
    RLM_CACHE_DIR=/var/cache/rlm
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY --from=build /app/dist ./dist
COPY bin ./bin
# The folders belong to the user that writes them; a new volume takes this over.
RUN ln -s /app/bin/rlm.mjs /usr/local/bin/rlm \
    && mkdir -p /var/lib/rlm /var/cache/rlm \
    && chown node:node /var/lib/rlm /var/cache/rlm
USER node
# The kernel's base image, so that a container starts in a second.
RUN node --input-type=module --eval \
    "const { prepareBaseImage } = await import('/app/dist/repl/index.js'); \
    await prepareBaseImage({ cacheDir: process.env.RLM_CACHE_DIR, onProgress: console.log });"
VOLUME /var/lib/rlm
CMD ["rlm", "worker"]
