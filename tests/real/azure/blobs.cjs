// Writes a blob into a container of Azurite, which is made where there is none: node blobs.cjs PACKAGES PORT NAME TEXT. Prints a signature that may list the container.
const [packages, port, name, text] = process.argv.slice(2);
const { BlobServiceClient, ContainerSASPermissions, StorageSharedKeyCredential } = require(`${packages}/@azure/storage-blob`);

// The account that every Azurite has, by its documentation.
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

async function main() {
  const credential = new StorageSharedKeyCredential('devstoreaccount1', KEY);
  const container = new BlobServiceClient(`http://127.0.0.1:${port}/devstoreaccount1`, credential).getContainerClient('data');
  await container.createIfNotExists();
  await container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
  const url = await container.generateSasUrl({ permissions: ContainerSASPermissions.parse('rl'), expiresOn: new Date(Date.now() + 3600e3) });
  console.log(url.split('?')[1]);
}

main().catch((error) => { console.error(error); process.exit(1); });
