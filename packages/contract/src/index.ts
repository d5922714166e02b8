export * from './control.ts';
export * from './errors.ts';
export * from './keeper.ts';
export * from './logs.ts';
export * from './names.ts';
export * from './shapes.ts';
export * from './spec.ts';
export * from './states.ts';
