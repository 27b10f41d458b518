import { openWorld, type Script, type World } from './fake-world.ts';

/** Of the test that runs; its file closes it after each. */
export let world: World;

export async function open(script: Script): Promise<World> {
  world = await openWorld(script);
  return world;
}
