# One image for every role: the command names it (`start`, `start --role ingress`, `topology apply`, …).

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Native parts come built inside their packages; no install script is needed.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# The program, and the pages that it serves; then everything goes that only building needed.
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    CONFAB_DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/schemas schemas
COPY --from=build /app/bots bots
# Nothing but /data is written to, so the file system may be read-only; on Kafka it holds trained models only.
VOLUME /data
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.CONFAB_HTTP_PORT ?? 8080}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The program is process 1 itself: SIGTERM reaches it and it drains. Give it longer than CONFAB_DRAIN_TIMEOUT (25 s) to stop.
ENTRYPOINT ["node", "dist/confab.js"]
CMD ["start"]
