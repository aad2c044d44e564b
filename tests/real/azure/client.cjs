// Microsoft's own client for Azure Container Instances, against the address that is given: arguments are the folder of packages, the address, and what it needs
// to know. It writes what it found as one JSON document; tests/real/azure.rs says what that must be.
"use strict";

const [packages, root, tenant, client, secret, subscription, group] = process.argv.slice(2);
const { ContainerInstanceManagementClient } = require(`${packages}/@azure/arm-containerinstance`);

async function token() {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: client,
    client_secret: secret,
    scope: "https://management.azure.com/.default",
  });
  const answer = await fetch(`${root}/${tenant}/oauth2/v2.0/token`, { method: "POST", body: form });
  return (await answer.json()).access_token;
}

function body(image) {
  return {
    location: "westeurope",
    osType: "Linux",
    restartPolicy: "Always",
    ipAddress: { type: "Public", ports: [{ port: 80 }], dnsNameLabel: `real-${image}` },
    containers: [{
      name: "c",
      image,
      ports: [{ port: 80 }],
      resources: { requests: { cpu: 1, memoryInGB: 1 } },
      environmentVariables: [{ name: "OPEN", value: "1" }, { name: "CLOSED", secureValue: "never shown" }],
    }],
  };
}

async function refused(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return { status: error.statusCode ?? null, code: error.code ?? null, message: error.message };
  }
}

async function main() {
  const held = { getToken: async () => ({ token: await token(), expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const open = (credential) => {
    const api = new ContainerInstanceManagementClient(credential, subscription, { endpoint: root, allowInsecureConnection: true, retryOptions: { maxRetries: 2 } });
    // The client's own policy sends tokens over TLS only.
    api.pipeline.removePolicy({ name: "bearerTokenAuthenticationPolicy" });
    api.pipeline.addPolicy({
      name: "token",
      sendRequest: async (request, next) => {
        request.allowInsecureConnection = true;
        const given = await credential.getToken();
        if (given.token) request.headers.set("authorization", `Bearer ${given.token}`);
        return next(request);
      },
    });
    return api.containerGroups;
  };
  const groups = open(held);
  const soon = { updateIntervalInMs: 5 };
  const told = {};
  const made = await groups.beginCreateOrUpdateAndWait(group, "one", body("one"), soon);
  told.made = { state: made.provisioningState, fqdn: made.ipAddress.fqdn, variables: made.containers[0].environmentVariables };
  const running = await groups.get(group, "one");
  told.running = running.containers[0].instanceView.currentState.state;
  const pending = await groups.beginCreateOrUpdate(group, "two", body("two"), soon);
  told.conflict = await refused(groups.beginCreateOrUpdate(group, "two", body("two"), soon));
  await pending.pollUntilDone();
  told.names = [];
  for await (const found of groups.listByResourceGroup(group)) told.names.push(found.name);
  told.tags = (await groups.update(group, "two", { tags: { owner: "ada" } })).tags;
  told.failed = await refused(groups.beginCreateOrUpdateAndWait(group, "broken", body("broken"), soon));
  await groups.beginDeleteAndWait(group, "one", soon);
  told.gone = await refused(groups.get(group, "one"));
  told.nobody = await refused(open({ getToken: async () => ({ token: "" }) }).get(group, "two"));
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
