// As claims.py, for cases of JavaScript: claims with a sentence for a name, run in their order, a line printed for each.
import { createRequire } from "node:module";

// Bare names are found in the folder that the runner installed, not beside the case.
export const require = createRequire(`${process.env.NODE_MODULES}/`);
export const version = (name) => require(`${name}/package.json`).version;
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const say = (text) => console.log(`   ${text}`);

export async function until(condition, what, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    const found = await condition();
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

export async function main(claims) {
  let failed = 0;
  for (const [name, test] of Object.entries(claims)) {
    try {
      await test();
      console.log(`ok ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}`);
      console.log(error);
    }
  }
  // Clients may keep connections, and the program with them.
  process.exit(failed ? 1 : 0);
}
