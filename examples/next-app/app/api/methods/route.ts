const respond = (request: Request) => new Response(request.method)

export { respond as DELETE, respond as GET, respond as OPTIONS, respond as PATCH, respond as POST, respond as PUT }
